// Texts in commands that a person copies into a shell.

/** A text in quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A word, in quotes only if a shell would change it. */
export const word = (text: string): string => /^[\w./@%+=:,-]+$/.test(text) ? text : quoted(text)
