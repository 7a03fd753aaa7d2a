import { setTimeout as sleep } from "node:timers/promises";
import type { GateParameters } from "../contract/gates.ts";
import { type ComponentName, containerName } from "../contract/names.ts";
import { UserError } from "../contract/user-error.ts";
import { ask, inspect } from "../host/docker.ts";
import { type WorkingState, works } from "../host/health.ts";
import { factoryCommand, pulumiCommand } from "../lib/factory-command.ts";

/** Who is at work. */
interface Work {
  what: string;
  /** There will be no other answer. */
  final?: boolean;
}

interface Inspected {
  Name: string;
  State: WorkingState;
}

/** Seconds the agents' program may take to answer. */
const answerWithin = 20;

/** Looks in a row that have to find nobody at work: what was about to begin has begun by the second. */
const looks = 2;

/**
 * Waits until the agents and the tasks have finished what they are at, while the agents take up nothing new.
 * @throws UserError where they have not in time, and are not to be stopped then
 */
export async function drain(host: string, parameters: GateParameters<"drain">): Promise<void> {
  const end = Date.now() + Number(parameters.timeout) * 1000;
  let said = "";
  for (let idle = 0; ; ) {
    const work = await findWork(host, parameters);
    idle = work === undefined ? idle + 1 : 0;
    if (work !== undefined && (work.final || Date.now() >= end)) return giveUp(host, parameters, work);
    if (work !== undefined && work.what !== said) console.log(`waiting for ${work.what}`);
    said = work?.what ?? "";
    if (idle === looks) return;
    await sleep(1000);
  }
}

/** Who is at work; undefined where nobody is. */
async function findWork(host: string, parameters: GateParameters<"drain">): Promise<Work | undefined> {
  const { agents, tasks } = drained(parameters);
  const found = await inspect<Inspected>(host, "container", [agents, ...tasks]);
  // Agents that are not healthy do not answer, and have no work to lose.
  const running = found.filter(({ State }) => works(State)).map(({ Name }) => Name.slice(1));
  const work = running.includes(agents) ? await askAgents(host, agents, parameters) : undefined;
  const task = running.find((name) => name !== agents);
  return work ?? (task === undefined ? undefined : { what: `${task}, which is at work` });
}

/** A hired agent has no tasks. */
function drained({ factory, component }: GateParameters<"drain">) {
  const name = (key: ComponentName) => containerName(factory, key);
  const tasks = component === "agents" ? [name("runner"), name("reproduce")] : [];
  return { agents: name(component as ComponentName), tasks };
}

/** No answer counts as work. */
async function askAgents(host: string, name: string, { command }: GateParameters<"drain">): Promise<Work | undefined> {
  const words = command === "" ? ownCommand(300) : (JSON.parse(command) as string[]);
  const { exitCode, output } = await ask(host, ["exec", name, ...words], answerWithin);
  if (exitCode === 0) return undefined;
  if (/executable file not found|no such file or directory/.test(output)) {
    return { what: `${name} has no program ${words[0]} that says whether it is at work`, final: true };
  }
  return { what: `${name}, which is at work${output === "" ? "" : `: ${output}`}` };
}

/** In the images of this project: no new work for so many seconds; exit code 0 where there is none. */
function ownCommand(seconds: number): string[] {
  return ["/usr/local/lib/disinto/drain", String(seconds)];
}

async function giveUp(host: string, parameters: GateParameters<"drain">, work: Work): Promise<void> {
  const { component, stack, timeout, ontimeout, command } = parameters;
  if (ontimeout === "stop") {
    console.log(`not waiting for ${work.what}`);
    return;
  }
  const { agents } = drained(parameters);
  if (command === "") await ask(host, ["exec", agents, ...ownCommand(0)], answerWithin);
  const set = (key: string) => `${pulumiCommand} config set --stack ${stack} --path disinto:agents.drain.${key}`;
  const lines = work.final
    ? [
        `Nobody knows whether the agents are at work: ${work.what}.`,
        `  name one:   agents.drain.command in Pulumi.${stack}.yaml (docs/config.md)`,
        `  stop them:  ${set("onTimeout stop")}`,
      ]
    : [
        `Still at work after ${timeout} s: ${work.what}`,
        `  later:      ${factoryCommand} up --stack ${stack}`,
        `  longer:     ${set("timeout 2h")}`,
        `  stop them:  ${set("onTimeout stop")}`,
      ];
  // The factory's own agents come first.
  const untouched = component === "agents" ? "Nothing that runs was touched." : `${agents} was not touched.`;
  throw new UserError("still-at-work", [...lines, untouched].join("\n"));
}
