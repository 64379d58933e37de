/**
 * The parts that hold the call, and the first thing to run: after a reload in the middle of a call
 * they join at once, while the rest of the page is still loading.
 */

import { Api } from "./api.js";
import { CallSession, interruptedCall } from "./call_session.js";
import { Devices } from "./devices.js";

export const SIGN_IN = "rodrun.sign-in"; // sessionStorage: each tab may be somebody else

export const api = new Api(sessionStorage.getItem(SIGN_IN));
export const devices = new Devices(location.search);
export const session = new CallSession(api, devices);

const interrupted = interruptedCall();
if (api.token && interrupted) session.follow(interrupted.id);
