/** The ends that were read on this device, so that no page tells them again after a load. */

const KEY = "rodrun.dismissed";
const LIMIT = 50;

/** The ids of consultations, as a set. */
export function dismissed() {
  return new Set(JSON.parse(localStorage.getItem(KEY) ?? "[]"));
}

export function dismiss(id) {
  localStorage.setItem(KEY, JSON.stringify([...dismissed(), id].slice(-LIMIT)));
}
