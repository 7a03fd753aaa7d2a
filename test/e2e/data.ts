import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { volumes } from "../../contract/names.ts";
import { execa } from "./execa.ts";
import { dockerHost, staticBusybox, type TestFactory } from "./harness.ts";

/** Places on the host for data, by name: each is a volume's name, or a directory. */
export type Sources = Record<string, string>;

/** Data in all five volumes of a factory, and what tells whether it is still the same. */
export class VolumeData {
  private readonly factory: TestFactory;
  private readonly places: Places;
  /** Every volume with owner, mode, inode, and the time it was created. */
  private identities = "";

  private constructor(factory: TestFactory, places: Places) {
    this.factory = factory;
    this.places = places;
  }

  /** Writes files of several owners and modes, and a git repository; where a volume does not exist it is created. */
  static async write(factory: TestFactory): Promise<VolumeData> {
    const sources = Object.fromEntries(volumes.map((volume) => [volume, factory.volumeName(volume)]));
    const data = new VolumeData(factory, await Places.write(`${factory.name}/data:dev`, sources));
    data.identities = await data.readIdentities();
    return data;
  }

  /** Nothing is lost: every byte, owner and mode is there, in the same volumes. */
  async expectKept(): Promise<void> {
    expect(await this.readIdentities()).toBe(this.identities);
    await this.expectFiles();
  }

  /** Every byte, owner and mode is there, be it in other volumes of the same names. */
  async expectFiles(): Promise<void> {
    await this.places.expectFiles();
  }

  private async readIdentities(): Promise<string> {
    const names = Object.values(this.places.sources);
    const created = await this.factory.docker("volume", "inspect", "--format={{.Name}} {{.CreatedAt}}", ...names);
    return `${created}\n${await this.places.run(`${install} stat -c '%n %u:%g %a %i' /v/*`)}`;
  }
}

/** Data in places on the host, and what tells whether it is still the same, there or elsewhere. */
export class Places {
  readonly sources: Sources;
  private readonly image: string;
  /** Every file with its kind, owner, mode, size, time and checksum. */
  private files = "";

  private constructor(image: string, sources: Sources) {
    this.image = image;
    this.sources = sources;
  }

  /**
   * Writes files of several owners and modes, and a git repository, below `kept/` of every place; a volume that does not exist is created.
   * @param image tag for an image of busybox, which is made where it does not exist
   */
  static async write(image: string, sources: Sources): Promise<Places> {
    const places = new Places(image, sources);
    const directory = mkdtempSync(join(tmpdir(), "factory-data-"));
    try {
      await places.run(writeScript, { input: await archiveOfRepository(join(directory, "repository")) });
    } finally {
      rmSync(directory, { recursive: true });
    }
    places.files = await places.run(filesScript);
    return places;
  }

  /**
   * Every file is there with its kind, owner, mode, size, time and content, and no other.
   * @param elsewhere places that some of the data should lie in by now
   * @param given places in which what was root's should be the agents' by now
   */
  async expectFiles(elsewhere: Sources = {}, given: string[] = []): Promise<void> {
    const lines = this.files.split("\n").map((line) => {
      const isGiven = given.some((place) => line.startsWith(`${place}/`) || line.startsWith(`'${place}/`));
      return isGiven
        ? line.replaceAll(/ (\d+):(\d+)\b/g, (_, user, group) => ` ${agents(user)}:${agents(group)}`)
        : line;
    });
    expect(await this.run(filesScript, { sources: { ...this.sources, ...elsewhere } })).toBe(lines.join("\n"));
  }

  /** Gives the agents what is root's: it then is the same before and after a copy. */
  async giveToAgents(): Promise<void> {
    await this.run(
      `${install} find /v/*/kept -user 0 -exec chown -h 1000 {} +; find /v/*/kept -group 0 -exec chown -h :1000 {} +`,
    );
    this.files = await this.run(filesScript);
  }

  /** Runs a script of busybox, with every place below /v. */
  async run(
    script: string,
    { input, sources = this.sources }: { input?: Uint8Array; sources?: Sources } = {},
  ): Promise<string> {
    // An image that is nobody else's, so that the data can be looked at whatever became of the rest.
    await importBusybox(this.image);
    const mounts = Object.entries(sources).map(([name, source]) => `--volume=${source}:/v/${name}`);
    const args = ["run", "--rm", "--interactive", "--network=none", ...mounts, this.image, "/bin/busybox", "sh", "-ec"];
    const { stdout } = await execa("docker", [...args, script], {
      env: { DOCKER_HOST: dockerHost },
      ...(input === undefined ? {} : { input }),
    });
    return stdout;
  }
}

function agents(id: string): string {
  return id === "0" ? "1000" : id;
}

/** Makes an image of nothing but busybox, where there is none of that tag. */
export async function importBusybox(tag: string): Promise<void> {
  const env = { DOCKER_HOST: dockerHost };
  if ((await execa("docker", ["images", "--quiet", tag], { env })).stdout !== "") return;
  const directory = mkdtempSync(join(tmpdir(), "factory-data-"));
  try {
    mkdirSync(join(directory, "bin"));
    cpSync(staticBusybox(), join(directory, "bin/busybox"));
    const { stdout: input } = await execa("tar", ["-C", directory, "-c", "."], { encoding: "buffer" });
    await execa("docker", ["import", "-", tag], { env, input });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A tar of a git repository with two commits. */
async function archiveOfRepository(directory: string): Promise<Uint8Array> {
  const identity = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"];
  const git = (...args: string[]) => execa("git", ["-C", directory, ...identity, ...args]);
  mkdirSync(directory);
  await git("init", "--quiet", "--initial-branch=main");
  for (const text of ["first", "second"]) {
    writeFileSync(join(directory, "README.md"), `${text}\n`);
    await git("add", "--all");
    await git("commit", "--quiet", `--message=${text}`);
  }
  return (await execa("tar", ["-C", directory, "-c", "."], { encoding: "buffer" })).stdout;
}

const install = "/bin/busybox --install -s /bin; PATH=/bin; ";

const writeScript = `${install}
cat > /repository.tar
for volume in /v/*; do
  mkdir $volume/kept; cd $volume/kept
  mkdir -p website deep/er/est nothing; tar -x -f /repository.tar -C website; chown -R 1000:1000 website
  echo \${volume##*/} > name
  dd if=/dev/urandom of=random bs=64k count=8 2> /dev/null
  : > empty; echo spaces > "deep/er/a name with spaces"; ln random deep/hard; ln -s ../random deep/soft; mkfifo deep/pipe
  chown 1000:1000 . name deep deep/er; chown 1234:5678 empty; chown -h 1000:5678 deep/soft
  chmod 0600 name; chmod 4711 random; chmod 2770 deep; chmod 1777 nothing; chmod 0400 empty
done`;

const filesScript = `${install}
cd /v
find */kept ! -type l -exec stat -c '%n %F %u:%g %a %s %Y' {} + | sort
find */kept -type l -exec stat -c '%N %u:%g' {} + | sort
find */kept -type f -exec sha256sum {} + | sort`;
