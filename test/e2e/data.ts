import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { volumes } from "../../components/contract.ts";
import { execa } from "./execa.ts";
import { dockerHost, staticBusybox, type TestFactory } from "./harness.ts";

/** Data in all five volumes of a factory, and what tells whether it is still the same. */
export class VolumeData {
  private readonly factory: TestFactory;
  private readonly image: string;
  /** Every file with its kind, owner, mode, size, time and checksum. */
  private files = "";
  /** Every volume with owner, mode, inode, and the time it was created. */
  private places = "";

  private constructor(factory: TestFactory) {
    this.factory = factory;
    this.image = `${factory.name}/data:dev`;
  }

  /** Writes files of several owners and modes, and a git repository; where a volume does not exist it is created. */
  static async write(factory: TestFactory): Promise<VolumeData> {
    const data = new VolumeData(factory);
    const directory = mkdtempSync(join(tmpdir(), "factory-data-"));
    try {
      await data.run(writeScript, { input: await archiveOfRepository(join(directory, "repository")) });
    } finally {
      rmSync(directory, { recursive: true });
    }
    data.files = await data.run(filesScript);
    data.places = await data.readPlaces();
    return data;
  }

  /** Nothing is lost: every byte, owner and mode is there, in the same volumes. */
  async expectKept(): Promise<void> {
    expect(await this.readPlaces()).toBe(this.places);
    await this.expectFiles();
  }

  /** Every byte, owner and mode is there, be it in other volumes of the same names. */
  async expectFiles(): Promise<void> {
    expect(await this.run(filesScript)).toBe(this.files);
  }

  private async readPlaces(): Promise<string> {
    const names = volumes.map((volume) => this.factory.volumeName(volume));
    const created = await this.factory.docker("volume", "inspect", "--format={{.Name}} {{.CreatedAt}}", ...names);
    return `${created}\n${await this.run(`${install} stat -c '%n %u:%g %a %i' /v/*`)}`;
  }

  /** Runs a script of busybox, with every volume below /v. */
  private async run(script: string, { input }: { input?: Uint8Array } = {}): Promise<string> {
    await this.importImage();
    const mounts = volumes.map((volume) => `--volume=${this.factory.volumeName(volume)}:/v/${volume}`);
    const args = ["run", "--rm", "--interactive", "--network=none", ...mounts, this.image, "/bin/busybox", "sh", "-ec"];
    const { stdout } = await execa("docker", [...args, script], {
      env: { DOCKER_HOST: dockerHost },
      ...(input === undefined ? {} : { input }),
    });
    return stdout;
  }

  /** An image that is nobody else's, so that the data can be looked at whatever became of the factory. */
  private async importImage(): Promise<void> {
    if ((await this.factory.docker("images", "--quiet", this.image)) !== "") return;
    const directory = mkdtempSync(join(tmpdir(), "factory-data-"));
    try {
      mkdirSync(join(directory, "bin"));
      cpSync(staticBusybox(), join(directory, "bin/busybox"));
      const { stdout: input } = await execa("tar", ["-C", directory, "-c", "."], { encoding: "buffer" });
      await execa("docker", ["import", "-", this.image], { env: { DOCKER_HOST: dockerHost }, input });
    } finally {
      rmSync(directory, { recursive: true });
    }
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
