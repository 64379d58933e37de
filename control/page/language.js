/** Which language the page speaks: Bulgarian unless chosen otherwise, remembered. */

import bg from "./language/bg.js";
import en from "./language/en.js";

export const LANGUAGES = { bg, en };
const KEY = "rodrun.language";

/** The remembered choice, the one of `?lang=`, or Bulgarian. */
export function chosenLanguage(search, remembered) {
  const asked = new URLSearchParams(search).get("lang");
  return [remembered, asked].find((each) => each in LANGUAGES) ?? "bg";
}

export function readLanguage() {
  return chosenLanguage(location.search, localStorage.getItem(KEY));
}

export function rememberLanguage(language) {
  localStorage.setItem(KEY, language);
}

/** `translator("bg")("waiting.title", { name })`: the text of a key with its places filled. */
export function translator(language) {
  const texts = LANGUAGES[language];
  return (key, places = {}) => {
    if (!(key in texts)) throw new Error(`no text ${key} in ${language}`);
    return texts[key].replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
  };
}

/** Whether there is a text of that key, for keys that come from outside, such as problem codes. */
export function hasText(key) {
  return key in bg;
}
