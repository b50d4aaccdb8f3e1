/** With a capital letter, as at the beginning of a sentence. */
export const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** Joins what happened and what to do about it into one text, with one full stop between the two. */
export const sentences = (problem: string, advice: string | undefined): string =>
  advice === undefined || advice === "" ? problem : `${problem.replace(/\.$/, "")}. ${advice}`
