/** What an event of a session means to one side, as the name of a passing notice. Pure. */

/** An event that is older is history: the page shows what came of it. */
export const NEWS_AGE_S = 60;

const TO_THE_OTHER = new Set(["early_end_refused", "early_end_withdrawn"]);
const BY_ROLE = {
  extension_accepted: { specialist: "extension-accepted", client: "extension-agreed" },
  extension_refused: { specialist: "extension-refused" },
  extension_withdrawn: { client: "extension-withdrawn" },
  extension_lapsed: { specialist: "extension-lapsed", client: "extension-question-lapsed" },
};

/** The notice to `role`, or null; `proposer` is who made the last proposal to end early. */
export function noticeOf({ type, by, data }, role, proposer) {
  if (TO_THE_OTHER.has(type)) return by === role ? null : type.replaceAll("_", "-");
  if (type === "early_end_lapsed")
    return proposer === role ? "early-end-lapsed" : "early-end-question-lapsed";
  if (type === "reconnected") return data.participant === role ? null : `${data.participant}-back`;
  if (type === "resumed") return "service-back";
  return BY_ROLE[type]?.[role] ?? null;
}
