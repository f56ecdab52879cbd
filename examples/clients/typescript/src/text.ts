/** Prints one line for people, and for the play that starts and kills agents. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
