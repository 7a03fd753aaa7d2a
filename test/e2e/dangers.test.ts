import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labelKeys, volumeName, volumes } from "../../contract/names.ts";
import { expectHealthy, fails, patch, renamed, runningIds, succeeds } from "./dangers.ts";
import { VolumeData } from "./data.ts";
import { TestFactory } from "./harness.ts";

// docs/dangers.md is made from the titles here: "danger: what happens -> the command that leads back".

let factory: TestFactory;
let data: VolumeData;

/** The volumes are there first, as docker compose would have made them. */
beforeAll(async () => {
  factory = await TestFactory.create({ agents: { healthCheck: quickHealthCheck } });
  for (const volume of volumes) {
    const labels = [`com.docker.compose.project=${factory.name}`, `com.docker.compose.volume=${volume}`];
    if (volume === "projects") labels.push(`${labelKeys.factory}=another`);
    await factory.docker("volume", "create", ...labels.map((label) => `--label=${label}`), factory.volumeName(volume));
  }
  labelsBefore = await volumeLabels();
  data = await VolumeData.write(factory);
});

afterAll(async () => {
  await factory?.dispose(renamed(factory));
});

const quickHealthCheck = {
  test: ["CMD", "busybox", "test", "-f", "/alive"],
  interval: "1s",
  timeout: "1s",
  retries: 3,
  startPeriod: "1s",
};

let labelsBefore: string;
const volumeLabels = () =>
  factory.docker(
    "volume",
    "inspect",
    "--format={{.Name}} {{json .Labels}}",
    ...volumes.map((key) => factory.volumeName(key)),
  );
const up = (...args: string[]) => succeeds(factory.factory("up", ["--yes", ...args]));
const adopt = () => succeeds(factory.factory("adopt", ["--yes"]));
const pulumi = (script: string) => succeeds(factory.plain(script));
const checkout = (file: string) => factory.git("checkout", "--", file);
const own = (file: string) => join(factory.directory, file);

describe("Taking over", () => {
  test("a container that is not the factory's has one of its names: `up` refuses before it makes anything, and names it -> `docker rename` it, `./factory up`", async () => {
    const [name, aside] = [factory.containerName("agents"), `${factory.name}-aside`];
    await factory.docker("create", `--name=${name}`, `${factory.name}/data:dev`, "sh");
    const refused = await fails(factory.factory("up", ["--yes"]));
    expect(refused.stderr).toContain(`docker rename ${name} ${name}-old`);
    await factory.docker("rename", name, aside);
    await up();
    await factory.docker("rm", "--volumes", aside);
    await expectHealthy(factory, data);
  });

  test("volumes of docker compose, one with the label of another factory: adopted with their data and labels, also over `up --refresh` -> nothing to do", async () => {
    await pulumi("pulumi refresh --stack test --yes && pulumi up --stack test --yes --skip-preview --refresh");
    await checkout(".");
    expect(await volumeLabels()).toBe(labelsBefore);
    await expectHealthy(factory, data);
  });
});

describe("Taking down", () => {
  test("`pulumi destroy`, images built here: containers and network go, the volumes stay -> `./factory up`", async () => {
    await pulumi("pulumi destroy --stack test --yes --skip-preview");
    await checkout(".");
    await data.expectKept();
    await up();
    await expectHealthy(factory, data);
  });

  test("`./factory destroy`: containers and network go, the volumes stay, and it names them -> `./factory up`", async () => {
    const destroyed = await succeeds(factory.factory("destroy", ["--yes"]));
    for (const volume of volumes) expect(destroyed.stdout).toContain(factory.volumeName(volume));
    await data.expectKept();
    await up();
    await expectHealthy(factory, data);
  });
});

describe("Losing the state", () => {
  test("`pulumi stack rm --force`: it takes the stack's file with it, the containers run on -> `git checkout Pulumi.<stack>.yaml && ./factory adopt`", async () => {
    const before = await runningIds(factory);
    await pulumi("pulumi stack rm test --force --yes");
    expect(await runningIds(factory)).toEqual(before);
    const refused = await fails(factory.factory("up", ["--yes"]));
    expect(refused.stderr).toContain("git checkout Pulumi.test.yaml");
    await checkout("Pulumi.test.yaml");
    await adopt();
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });

  test("`.factory/` deleted, state and passphrase: `up` touches nothing, `adopt` takes the factory's own containers and network over; what else bears its label runs on -> `./factory adopt`", async () => {
    const hired = `${factory.name}-agents-hired`;
    const mount = `--volume=${factory.volumeName("state")}:/state`;
    const label = `--label=${labelKeys.factory}=${factory.name}`;
    const sleep = [`${factory.name}/data:dev`, "/bin/busybox", "sleep", "600"];
    const id = await factory.docker("run", "--detach", `--name=${hired}`, label, mount, ...sleep);
    try {
      rmSync(own(".factory"), { recursive: true });
      const before = await runningIds(factory);
      const refused = await fails(factory.factory("up", ["--yes"]));
      expect(refused.stderr).toContain("./factory adopt --stack test");
      const outcome = await adopt();
      expect(await runningIds(factory)).toEqual(before);
      expect(outcome.stdout).toContain(`container ${factory.containerName("agents")}`);
      expect(outcome.stdout).not.toContain(hired);
      const running = await factory.docker("ps", "--quiet", "--no-trunc", `--filter=name=^${hired}$`);
      expect(running).toBe(id);
    } finally {
      await factory.docker("rm", "--force", "--volumes", hired);
    }
    await expectHealthy(factory, data);
  });

  test("a second stack with the same `factoryName` on the same host: refused before it makes anything -> nothing to do", async () => {
    const before = await runningIds(factory);
    writeFileSync(own("Pulumi.other.yaml"), await factory.git("show", "HEAD:Pulumi.test.yaml"));
    const refused = await fails(factory.factory("up", ["--yes", "--stack", "other"]));
    expect(refused.stderr).toContain("is that of stack test.");
    await pulumi("pulumi stack rm other --yes");
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });
});

describe("Changing the config", () => {
  test("`pulumi stack rename`: nothing on the host changes -> `./factory up --stack <new name>`", async () => {
    const before = await runningIds(factory);
    const renamed = ["pulumi stack rename --stack test other", "./factory up --stack other --yes"];
    await pulumi([...renamed, "pulumi stack rename --stack other test"].join(" && "));
    await checkout(".");
    await up();
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });

  test("`factoryName` changed, images built here: another factory with empty volumes takes its place, the volumes stay -> set it back, `./factory up`", async () => {
    const other = renamed(factory);
    patch(factory, "Pulumi.test.yaml", `factoryName: ${factory.name}`, `factoryName: ${other}`);
    await up();
    await data.expectKept();
    await checkout("Pulumi.test.yaml");
    await up();
    expect(await factory.removeVolumes(volumes.map((volume) => volumeName(other, volume)))).toBe("");
    await factory.docker("rmi", ...["agents", "reproduce", "edge"].map((image) => `${other}/${image}:dev`));
    await expectHealthy(factory, data);
  });

  test("the stack's file is not YAML any more: refused, and the containers run on -> mend it, `./factory up`", async () => {
    const before = await runningIds(factory);
    writeFileSync(own("Pulumi.test.yaml"), "config: [disinto:\n");
    for (const verb of ["up", "destroy"]) {
      const refused = await fails(factory.factory(verb, ["--yes"]));
      expect(refused.exitCode).toBe(2);
      expect(refused.stderr).toContain("Pulumi.test.yaml is not YAML");
    }
    await checkout("Pulumi.test.yaml");
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });
});

describe("Changing the program", () => {
  test("the component of the volumes renamed: the volumes leave the state under one name and enter it under the other -> nothing to do", async () => {
    const before = await runningIds(factory);
    patch(factory, "components/factory.ts", 'new DataVolumes("data",', 'new DataVolumes("data-volumes",');
    patch(factory, "components/data-volumes.ts", /\n {6}key,\n/, `\n      "volume-" + key,\n`);
    await up();
    await data.expectKept();
    await checkout("components");
    await up();
    expect(await runningIds(factory)).toEqual(before);
    await expectHealthy(factory, data);
  });

  test("the volumes taken out of the program: they leave the state, and stay on the host -> nothing to do", async () => {
    const taken = /(private volume\(.*\{\n)/;
    patch(factory, "components/data-volumes.ts", taken, "$1    return pulumi.output(volumeName(factory, key));\n");
    await up();
    await data.expectKept();
    await checkout("components");
    await up();
    await expectHealthy(factory, data);
  });

  test("the labels changed: containers and network are made anew, the volumes keep theirs -> nothing to do", async () => {
    patch(factory, "components/labels.ts", "value: factory }]", 'value: factory }, { label: "new", value: "label" }]');
    await up();
    await data.expectKept();
    await checkout("components");
    await up();
    expect(await volumeLabels()).toBe(labelsBefore);
    await expectHealthy(factory, data);
  });
});

describe("On the host", () => {
  test("containers and network removed by hand: `up` notices, and makes them anew -> `./factory up`", async () => {
    const names = ["agents", "runner", "reproduce", "edge"] as const;
    await factory.docker("rm", "--force", "--volumes", ...names.map((name) => factory.containerName(name)));
    await factory.docker("network", "rm", `${factory.name}_disinto-net`);
    expect((await up()).stdout).toContain("Gone from the Docker host");
    await expectHealthy(factory, data);
  });

  test("an image that does not start: `up` fails, the volumes stay -> set the image back, `./factory up`", async () => {
    patch(factory, "tiny/docker/agents/Dockerfile", "busybox touch /alive", "exit 1");
    await fails(factory.factory("up", ["--yes"]));
    await data.expectKept();
    await checkout("tiny");
    await up();
    await expectHealthy(factory, data);
  });
});
