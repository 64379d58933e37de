/**
 * Where in the page somebody wants to be when nothing else is going on: the part of the address
 * after `#/`. So the browser's own back and forward buttons work, and places can be linked to. Pure.
 */

/** Name → who may go there; null: also those who are not signed in. */
const PLACES = {
  home: ["client", "specialist", "operator"],
  request: ["client"], // one of the requests that wait for an answer
  devices: ["client", "specialist"],
  specialist: ["client", "specialist", "operator"],
  history: ["client", "specialist"],
  consultation: ["client", "specialist"],
  ratings: ["specialist"],
  help: null,
};
const OF_ONE = new Set(["request", "specialist", "consultation"]);

/** The places in the header, by role; "" is somebody who is not signed in. */
export const NAVIGATION = {
  "": ["home", "help"],
  client: ["home", "history", "help"],
  specialist: ["home", "history", "ratings", "help"],
  operator: ["home", "help"],
};

/** "#/specialist/ivan" → { name: "specialist", id: "ivan" }; null for no place. */
export function placeFrom(hash) {
  const [, name, id = null] = hash.match(/^#\/([a-z]+)(?:\/([^/]+))?$/) ?? [];
  if (!Object.hasOwn(PLACES, name ?? "") || OF_ONE.has(name) !== (id !== null)) return null;
  try {
    return { name, id: id === null ? null : decodeURIComponent(id) };
  } catch {
    return null; // a broken %-sequence
  }
}

export function addressOf(name, id = null) {
  return `#/${name}${id === null ? "" : `/${encodeURIComponent(id)}`}`;
}

/** The place, or null when it is not for this role. */
export function allowed(place, role) {
  const roles = place && PLACES[place.name];
  return place && (roles === null || roles.includes(role)) ? place : null;
}
