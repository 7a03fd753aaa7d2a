import { existsSync, readFileSync } from "node:fs";

interface Event {
  diagnosticEvent?: { message: string; ephemeral?: boolean };
}

/** Milliseconds between two looks at the log. */
const interval = 500;

/**
 * Prints what gates say while they wait (`waiting for disinto-agents, which is at work`), as plain lines: pulumi shows it on a
 * terminal alone.
 * @param eventLog file that pulumi writes its events to, once it has begun
 * @param print gets each line
 * @returns to be called when pulumi has ended
 */
export function followProgress(eventLog: string, print: (line: string) => void): () => void {
  let seen = 0;
  const look = () => {
    const lines = existsSync(eventLog) ? readFileSync(eventLog, "utf8").split("\n").slice(0, -1) : [];
    // A second update begins its log anew.
    if (lines.length < seen) seen = 0;
    for (const line of lines.slice(seen).flatMap(saidMeanwhile)) print(line);
    seen = lines.length;
  };
  const timer = setInterval(look, interval);
  return () => {
    clearInterval(timer);
    look();
  };
}

function saidMeanwhile(line: string): string[] {
  const { diagnosticEvent } = JSON.parse(line) as Event;
  const message = diagnosticEvent?.ephemeral ? diagnosticEvent.message.trim() : "";
  return message === "" ? [] : [message];
}
