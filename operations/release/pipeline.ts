import { join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import type { ImageName } from "../../contract/names.ts";
import { UserError } from "../../contract/user-error.ts";
import { factoryCommand } from "../../lib/factory-command.ts";
import { trustCertificateFile } from "../../lib/machine.ts";
import { paths } from "../../lib/paths.ts";
import { openStack, saveStackFile } from "../../pulumi/open.ts";
import { readImageKeys, readStackFile, withImageKeys } from "../../pulumi/stack-file.ts";
import type { Workspace } from "../../pulumi/workspace.ts";
import { createProgress } from "../../setup/index.ts";
import { formatAction } from "./action.ts";
import { type BuiltImages, buildImages, tagImages } from "./build.ts";
import type { PublishedImage, Release } from "./candidate.ts";
import { checkRelease } from "./preflight.ts";
import { type Pushed, publish, pushImages, untagCandidates } from "./push.ts";
import { withoutSecrets } from "./push-login.ts";
import { commitResult, makeRecord, type ReleaseRecord } from "./record.ts";
import { type Ran, runSteps, type Step } from "./steps.ts";
import { pushMirrors, tagMain } from "./tag.ts";

export interface ReleaseOptions {
  stack: string;
  dryRun?: boolean;
  json?: boolean;
  action?: boolean;
}

export async function release(version: string, { stack, dryRun = false, json = false, action }: ReleaseOptions) {
  if (`v${semver.valid(version)}` !== version) {
    throw new UserError("usage", `${version} is not a version: v0.2.0, or v0.2.0-rc.1`, 2);
  }
  if (action) {
    process.stdout.write(await formatAction(version, stack, readStackFile(stack).config));
    return;
  }
  trustCertificateFile();
  const made = new Made(await openStack(stack, { builds: true }));
  const ran = await runSteps(stepsOf(version, made), { version, stack, progress: createProgress(), dryRun });
  if (json) console.log(JSON.stringify(toJson(version, ran, made), null, 2));
  if (ran.error !== undefined) throw ran.error;
  if (!json) console.log(dryRun ? formatPlan(version, ran) : formatRecord(made.record));
}

/** What the steps have made so far, for those after them. */
class Made {
  readonly started = performance.now();
  readonly workspace: Workspace;
  release!: Release;
  built: BuiltImages = {};
  pushed!: Record<ImageName, Pushed>;
  published!: Record<ImageName, PublishedImage>;
  record!: ReleaseRecord;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }
}

function stepsOf(version: string, made: Made): Step[] {
  const { workspace } = made;
  const onlyTagged = () => `Git has the tag ${version}; no image of it is in the registry.`;
  return [
    {
      name: "preflight",
      what: "git, changelog, token, registry, daemon; then the images are built",
      left: () => "Nothing was tagged, pushed or changed.",
      run: async (report) => {
        made.release = await checkRelease(version, workspace, report);
        made.built = await buildImages(made.release, report);
      },
    },
    {
      name: "tag-main",
      what: "the tag, on origin",
      left: () => `This clone may have the tag ${version}, which \`git tag --delete ${version}\` takes back.`,
      run: (report) => tagMain(made.release, report),
    },
    {
      name: "push-mirrors",
      what: "main and the tag, on every mirror",
      left: onlyTagged,
      run: (report) => pushMirrors(made.release, report),
    },
    {
      name: "build-image",
      what: "from the tagged commit, without a cache: once, so what preflight has built stays",
      left: onlyTagged,
      run: async (report) => {
        made.built = await buildImages(made.release, report);
      },
    },
    {
      name: "tag-image",
      what: "the version's names, on the Docker host",
      left: onlyTagged,
      run: (report) => tagImages(made.release, made.built, report),
    },
    {
      name: "push-image",
      what: "pushed, read back and compared; only then the version's tags",
      left: () => describePublished(made.release),
      run: async (report) => {
        made.pushed = await pushImages(made.release, made.built, report);
        made.published = await publish(made.release, made.pushed);
      },
    },
    {
      name: "restart-agents",
      what: `stack ${workspace.stack} goes to the version, with all its gates`,
      left: () =>
        `${version} is in the registry. What runs is said above; ${factoryCommand} status --stack ${workspace.stack}`,
      display: "own",
      run: () => restartAgents(version, workspace),
    },
    {
      name: "commit-result",
      what: "the release's record and the stack's version, on main",
      left: () => `${version} is in the registry, and runs.`,
      run: async (report) => {
        const seconds = (performance.now() - made.started) / 1000;
        made.record = await makeRecord(made.release, made.published, seconds);
        await commitResult(made.release, made.record, report);
        await untagCandidates(made.release);
      },
    },
  ];
}

function describePublished({ version, published }: Release): string {
  if (published.length === 0) return `No image in the registry has the tag ${version}, so no factory can run it.`;
  return (
    `In the registry as ${version}, read back and found right: ${published.join(", ")}. ` +
    `A factory on disinto:release ${version} is refused until the others are there too.`
  );
}

/** By the verb that everybody else uses, and without the secrets of the release. */
async function restartAgents(version: string, workspace: Workspace): Promise<void> {
  saveStackFile(workspace, withImageKeys(workspace, { ...readImageKeys(workspace), release: version }));
  const { exitCode } = await execa(join(paths.project, "factory"), ["up", "--stack", workspace.stack, "--yes"], {
    cwd: paths.project,
    env: withoutSecrets(),
    extendEnv: false,
    // Standard output is for the result.
    stdio: ["ignore", process.stderr, "inherit"],
    reject: false,
  });
  if (exitCode !== 0) throw new UserError("pulumi-failed", `${factoryCommand} up failed, and says why above.`);
}

function toJson(version: string, { steps, error }: Ran, { release, record }: Made) {
  return {
    version,
    ...(release === undefined ? {} : { commit: release.commit }),
    steps,
    ...(record === undefined ? {} : { record }),
    ...(error === undefined ? {} : { error: error.message }),
  };
}

function formatPlan(version: string, { steps }: Ran): string {
  const planned = steps.filter(({ result }) => result === "planned").map(({ step }) => step);
  return `${version} can be released. Still to do: ${planned.join(", ")}.`;
}

function formatRecord({ version, images, seconds }: ReleaseRecord): string {
  const lines = Object.entries(images).map(
    ([name, { reference, bytes }]) => `  ${name.padEnd(9)} ${reference}  ${(bytes / 1e6).toFixed(1)} MB`,
  );
  return [`${version} is released, in ${seconds} s.`, ...lines].join("\n");
}
