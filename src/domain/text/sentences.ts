/** Joins what happened and what to do about it into one text, with one full stop between the two. */
export const sentences = (problem: string, advice: string | undefined): string =>
  advice === undefined || advice === "" ? problem : `${problem.replace(/\.$/, "")}. ${advice}`
