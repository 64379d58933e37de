/** Times, lengths and prices as text. Pure. */

/** "4:07", and "1:02:05" from an hour on. A part of a second still counts as a whole one. */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds - 1e-6));
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = pad(whole % 60);
  return hours ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** "45 мин", "1 ч 30 мин", "90 s": units in the words of `t`. */
export function duration(seconds, t) {
  const parts = [
    [Math.floor(seconds / 3600), "unit.hours"],
    [Math.floor(seconds / 60) % 60, "unit.minutes"],
    [Math.round(seconds % 60), "unit.seconds"],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => t(unit, { count }));
  return told.length ? told.join(" ") : t("unit.seconds", { count: 0 });
}

/** "40,00 €" in Bulgarian, "€40.00" in English. */
export function price(amount, currency, language) {
  const number = Number(amount);
  try {
    return new Intl.NumberFormat(language === "bg" ? "bg-BG" : "en-IE", {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
    }).format(number);
  } catch {
    return `${amount} ${currency}`; // a currency that this browser does not know
  }
}

const LOCALES = { bg: "bg-BG", en: "en-GB" };

/** "23 ноември 2026 г., 14:05" of seconds since 1970, in the time zone of the reader. */
export function moment(seconds, language) {
  return new Intl.DateTimeFormat(LOCALES[language], {
    dateStyle: "long",
    timeStyle: "short",
  }).format(seconds * 1000);
}

/** "ноември 2026 г.": the month that begins at this second, UTC. */
export function month(seconds, language) {
  return new Intl.DateTimeFormat(LOCALES[language], {
    year: "numeric",
    month: "long",
    timeZone: "UTC",
  }).format(seconds * 1000);
}

/** "14:05:09" */
export function timeOfDay(seconds, language) {
  return new Intl.DateTimeFormat(LOCALES[language], { timeStyle: "medium" }).format(seconds * 1000);
}

/** "4,6" in Bulgarian, "4.6" in English: an average of stars. */
export function average(stars, language) {
  return new Intl.NumberFormat(LOCALES[language], {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(stars);
}

/** "1,5 %" in Bulgarian, "1.5%" in English: of a number of percent. */
export function share(percent, language) {
  return new Intl.NumberFormat(LOCALES[language], {
    style: "percent",
    maximumFractionDigits: 1,
  }).format(percent / 100);
}

/** "250 kbit/s", "1.5 Mbit/s": units in the words of `t`. */
export function rate(bps, t, language) {
  const [value, unit] = bps < 1e6 ? [Math.round(bps / 1e4) * 10, "kbps"] : [bps / 1e6, "mbps"];
  const format = new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: 1 });
  return t(`unit.${unit}`, { count: format.format(value) });
}

/** The first letters of a name without its title: "д-р Иван Георгиев" → "ИГ". */
export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^\p{Lu}/u.test(word));
  return words
    .slice(0, 2)
    .map((word) => word[0])
    .join("");
}
