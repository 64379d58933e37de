"""How the connections of a consultation did."""

from aiohttp import web
from aiohttp_pydantic.oas.typing import r200

from control.accounts import AccountRole
from control.consultations.quality import summary
from control.web.schema.quality import QualityOut
from control.web.view import View, reply


class QualityView(View):
    """The connections of a consultation."""

    async def get(self, consultation_id: str, /) -> r200[QualityOut]:
        """What the node measured of both sides' connections, five seconds a period, and the leg
        that was worst; for both sides and operators, during the session and after it.

        Tags: consultations
        """
        if self.user.role is AccountRole.OPERATOR:
            await self.service.live.find(consultation_id)
        else:
            await self.service.live.of(self.user.id, consultation_id)
        # asked first: what is then read has the last period, too
        complete = await self.service.quality_records.is_summed_up(consultation_id)
        periods = await self.service.quality_records.of(consultation_id)
        summed_up = summary(periods) or {"legs": {}, "verdict": None}
        return reply(
            QualityOut.model_validate(
                {
                    "consultation_id": consultation_id,
                    "complete": complete,
                    "periods": periods,
                    **summed_up,
                }
            )
        )


ROUTES = [web.view("/api/v1/consultations/{consultation_id}/quality", QualityView)]
