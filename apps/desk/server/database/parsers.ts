// How values of PostgreSQL become values of JavaScript, where the embedded driver and the one for servers differ:
// both must give the same, or code that is right on one is wrong on the other. Arrays follow their elements.

/** By type id. What isn't here is alike: numeric is text, timestamptz a Date, json parsed. */
export const PARSERS: Readonly<Record<number, (text: string) => string>> = {
  // int8: text, since a number of JavaScript cannot hold each of them.
  20: (text) => text,
  // date: text. As a Date it would be midnight of one time zone or of another.
  1082: (text) => text,
};
