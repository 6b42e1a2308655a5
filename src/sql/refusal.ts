/** Why a statement is not proved, before it becomes an error: the prover's own way out. */
export class Refusal {
  /**
   * @param reason what was found
   * @param remedy what to do instead; it starts the message
   * @param location where, in bytes of the text
   */
  constructor(
    readonly reason: string,
    readonly remedy: string,
    readonly location?: number,
  ) {}
}

/** A name as SQL has it, behind those that qualify it. */
export const quoted = (...path: readonly string[]) => path.map((it) => `"${it.replaceAll('"', '""')}"`).join('.');

/** The text around a location, for messages. */
export function placeOf(text: string, location: number | undefined): string {
  if (location === undefined || location < 0) return '';
  const start = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, location)).length;
  return text.slice(start, start + 48).trim();
}
