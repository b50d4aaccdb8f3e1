/** The text with each lone surrogate replaced by U+FFFD, as AWS accepts only well-formed Unicode. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, "\ufffd")
