/**
 * How far the events of each consultation were heard, so that after a gap only the rest is asked
 * for, and nothing is told twice. Kept over a reload of this tab.
 */

const KEY = "rodrun.seen"; // sessionStorage: [[id, { seq, proposer }], …], the last heard of last
/** The first message on the socket is short, and what is older is over. */
const LIMIT = 20;

export class Journal {
  #heard = new Map(JSON.parse(sessionStorage.getItem(KEY) ?? "[]"));

  /** The number of the last event by consultation, as the server takes it; null: of none. */
  seen() {
    if (this.#heard.size === 0) return null;
    return Object.fromEntries([...this.#heard].map(([id, { seq }]) => [id, seq]));
  }

  /** Take an event in; false when it was heard before. */
  take({ consultation_id: id, seq, type, by }) {
    const before = this.#heard.get(id);
    if (before && before.seq >= seq) return false;
    const proposer = type === "early_end_proposed" ? by : (before?.proposer ?? null);
    this.#heard.delete(id);
    this.#heard.set(id, { seq, proposer });
    if (this.#heard.size > LIMIT) this.#heard.delete(this.#heard.keys().next().value);
    sessionStorage.setItem(KEY, JSON.stringify([...this.#heard]));
    return true;
  }

  /** Who made the last proposal to end early. */
  proposer(id) {
    return this.#heard.get(id)?.proposer ?? null;
  }

  forget() {
    this.#heard.clear();
    sessionStorage.removeItem(KEY);
  }
}
