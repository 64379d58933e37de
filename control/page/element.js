/** Building DOM elements. Texts go in as text nodes only, so no content can become markup. */

const SPRITE = new URL("./icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

/**
 * `h("button", { class: "primary", testid: "request-send", onclick }, "Send")`. Properties beginning with
 * "on" are listeners, "testid" is data-testid, null and false leave an attribute out; children may
 * be nested arrays, null or false.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else
      element.setAttribute(name === "testid" ? "data-testid" : name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

/** An icon of the sprite; it says nothing to screen readers, its button or text does. */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Change a text only when it differs, so that live regions speak and layouts move only then. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setIcon(svg, name) {
  const href = `${SPRITE}#${name}`;
  const use = svg.firstElementChild;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** A dialog that removes itself when closed. Escape closes it unless `onescape` is false. */
export function dialog(properties, ...children) {
  const element = h("dialog", properties, ...children);
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  return element;
}
