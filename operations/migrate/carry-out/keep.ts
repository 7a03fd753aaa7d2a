import { labelKeys } from "../../../contract/names.ts";
import { docker } from "../../../host/docker.ts";
import { formatPlace, type Place } from "../place.ts";
import { copyPlace } from "./copy.ts";
import { type Journal, writeJournal } from "./journal.ts";

/** Copies what a place holds to a volume that is there for nothing else, before it is written over. */
export async function keepContent(journal: Journal, from: Place, name: string): Promise<void> {
  const { factory, host } = journal.plan;
  await makeVolume(journal, name);
  await copyPlace({ factory, host }, { from, to: { kind: "volume", name }, fixOwner: false });
  journal.kept = { ...journal.kept, [name]: formatPlace(from) };
  writeJournal(journal);
}

/** Makes a volume that tells which migration made it; Docker leaves one that is there already as it is. */
export async function makeVolume({ id, plan }: Journal, name: string): Promise<void> {
  const labels = [`--label=${labelKeys.factory}=${plan.factory}`, `--label=${labelKeys.migration}=${id}`];
  await docker(plan.host, ["volume", "create", ...labels, name]);
}
