import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { imageNames } from "../../contract/names.ts";
import { expectHealthy, fails, patch, renamed, runningIds, succeeds } from "./dangers.ts";
import { VolumeData } from "./data.ts";
import { type Outcome, TestFactory } from "./harness.ts";
import { TestRegistry } from "./registry.ts";

let registry: TestRegistry;
let factory: TestFactory;
let data: VolumeData;

beforeAll(async () => {
  registry = await TestRegistry.start();
  for (const version of ["v0.1.0", "v0.1.1"]) {
    for (const image of imageNames) await registry.push(image, version);
  }
  factory = await TestFactory.create();
  const { server, namespace, username, password } = registry;
  await factory.configure({ registry: { server, namespace, username }, release: "v0.1.0" });
  await pulumi(`printf %s ${password} | pulumi config set --stack test --secret disinto:registryToken`);
  await factory.git("commit", "--quiet", "--all", "--message=Pinned");
  await up();
  data = await VolumeData.write(factory);
});

afterAll(async () => {
  await factory?.dispose(renamed(factory));
  await registry?.dispose();
});

const trusting = () => ({ SSL_CERT_FILE: registry.caBundle });
const tryUp = () => factory.factory("up", ["--yes"], trusting());
const up = () => succeeds(tryUp());
const pulumi = (script: string) => succeeds(factory.plain(script, trusting()));
const healthy = () => expectHealthy(factory, data, trusting());

/** It was refused for the protected volumes, and nothing that runs was touched. */
async function expectProtected(before: string[], refused: Outcome): Promise<void> {
  expect(refused.exitCode, refused.all).not.toBe(0);
  expect(refused.all).toMatch(/marked for protection|cannot be deleted/);
  expect(await runningIds(factory)).toEqual(before);
  await data.expectKept();
}

describe("Pinned images: the volumes are protected", () => {
  test("`pulumi destroy`, images pinned: its preview refuses, nothing goes -> nothing to do", async () => {
    const before = await runningIds(factory);
    await expectProtected(before, await factory.plain("pulumi destroy --stack test --yes", trusting()));
    await factory.git("checkout", "--", ".");
    await healthy();
  });

  test("`pulumi destroy --skip-preview`, images pinned: it fails at the volumes, when containers and network are gone -> `./factory up`", async () => {
    await fails(factory.plain("pulumi destroy --stack test --yes --skip-preview", trusting()));
    await factory.git("checkout", "--", ".");
    await data.expectKept();
    await up();
    await healthy();
  });

  test("`./factory destroy`, images pinned: containers and network go, the volumes stay -> `./factory up`", async () => {
    await succeeds(factory.factory("destroy", ["--yes"], trusting()));
    await data.expectKept();
    await up();
    await healthy();
  });

  test("`factoryName` changed, images pinned: refused, nothing goes -> set it back, `./factory up`", async () => {
    const before = await runningIds(factory);
    patch(factory, "Pulumi.test.yaml", /factoryName: \S+/, `factoryName: ${renamed(factory)}`);
    await expectProtected(before, await tryUp());
    await factory.git("checkout", "--", ".");
    await up();
    expect(await runningIds(factory)).toEqual(before);
    await healthy();
  });

  test("the volumes taken out of the program, images pinned: `up` fails, the volumes stay in the state as well -> take the change back, `./factory up`", async () => {
    const before = await runningIds(factory);
    const taken = /(private volume\(.*\{\n)/;
    patch(factory, "components/data-volumes.ts", taken, "$1    return pulumi.output(volumeName(factory, key));\n");
    await expectProtected(before, await tryUp());
    await factory.git("checkout", "--", "components");
    await up();
    expect(await runningIds(factory)).toEqual(before);
    await healthy();
  });

  test("the volumes renamed in the program, images pinned: `up` fails, the state has them under both names -> take the change back, `./factory pulumi -- state unprotect --all --yes && ./factory up`", async () => {
    const before = await runningIds(factory);
    patch(factory, "components/data-volumes.ts", /\n {6}key,\n/, '\n      "volume-" + key,\n');
    await expectProtected(before, await tryUp());
    await factory.git("checkout", "--", "components");
    await expectProtected(before, await tryUp());
    await succeeds(factory.plain("./factory pulumi -- state unprotect --all --yes --stack test", trusting()));
    await up();
    expect(await runningIds(factory)).toEqual(before);
    await healthy();
  });
});

describe("Changing the version", () => {
  test("an upgrade and the way back: the volumes stay -> `./factory rollback`", async () => {
    patch(factory, "Pulumi.test.yaml", "release: v0.1.0", "release: v0.1.1");
    await up();
    expect((await factory.inspect("agents")).Config.Labels["org.opencontainers.image.version"]).toBe("v0.1.1");
    await data.expectKept();
    await succeeds(factory.factory("rollback", ["--yes"], trusting()));
    expect((await factory.inspect("agents")).Config.Labels["org.opencontainers.image.version"]).toBe("v0.1.0");
    await healthy();
  });

  test("`release` lost from the config: images are built here instead, on the same volumes -> set it again, `./factory up`", async () => {
    patch(factory, "Pulumi.test.yaml", / *disinto:release: v0.1.0\n/, "");
    await up();
    expect((await factory.inspect("agents")).Config.Labels["org.opencontainers.image.version"]).toBe("dev");
    await data.expectKept();
    await factory.git("checkout", "--", ".");
    await up();
    await healthy();
  });
});

function copyVolume(from: string, to: string): Promise<string> {
  const mounts = [`--volume=${from}:/from`, `--volume=${to}:/to`];
  return factory.docker(
    "run",
    "--rm",
    ...mounts,
    `${factory.name}/data:dev`,
    "/bin/busybox",
    "cp",
    "-a",
    "/from/.",
    "/to",
  );
}

describe("Deleting a volume by hand", () => {
  test("`docker volume rm` while the factory is down: `up` refuses to go on with an empty one, and names it -> put it back from a copy, `./factory up`", async () => {
    await succeeds(factory.factory("destroy", ["--yes"], trusting()));
    const [gone, copy] = [factory.volumeName("state"), `${factory.name}-copy`];
    try {
      await copyVolume(gone, copy);
      expect(await factory.removeVolumes([gone])).toBe("");
      const refused = await fails(tryUp());
      expect(refused.stderr).toContain(`with the data that was in them: ${gone}.`);
      expect(await factory.docker("volume", "ls", "--quiet", `--filter=name=${gone}`)).toBe("");
      await copyVolume(copy, gone);
    } finally {
      await factory.removeVolumes([copy]);
    }
    await up();
    expect((await up()).all).toContain("no changes.");
    await data.expectFiles();
  });
});
