/** What a consultation costs, extensions included. Pure; amounts are text with two decimals. */

const cents = (amount) => Math.round(Number(amount) * 100);

/** What was agreed so far, and `more`. */
export function totalPrice({ terms, extensions }, more = "0") {
  const amounts = [terms.price, ...extensions.map(({ price }) => price), more];
  return (amounts.reduce((sum, each) => sum + cents(each), 0) / 100).toFixed(2);
}

/** For so many seconds at the rate of the terms: what is suggested for an extension. */
export function proportionalPrice({ terms }, seconds) {
  return (Math.round((cents(terms.price) * seconds) / terms.duration_s) / 100).toFixed(2);
}
