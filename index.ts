import * as pulumi from "@pulumi/pulumi";
import { requireNetwork } from "./cli/network.ts";
import { paths } from "./cli/paths.ts";
import { createDockerHost } from "./components/docker-host.ts";
import { Factory } from "./components/factory.ts";
import { resolveDigests } from "./components/image-digests.ts";
import { endWithPulumi, keepStackTraces, loadConfig } from "./config/load.ts";
import { dockerLogin, trustCertificateFile } from "./config/machine.ts";
import { refuseVolumeShadows } from "./images/refuse-shadows.ts";
import { refuseUnsigned } from "./images/refuse-unsigned.ts";

endWithPulumi();
keepStackTraces();
trustCertificateFile();
const config = loadConfig();
await requireNetwork(config, pulumi.getStack());
const host = createDockerHost("docker-host", { ...config, dockerLogin: dockerLogin() });
const images = await resolveDigests(config.images, host);
const around = { ...config, stack: pulumi.getStack(), dockerLogin: dockerLogin() };
await refuseUnsigned(images, { ...around, signatures: paths.signatures });
await refuseVolumeShadows(images, around);
const factory = new Factory("factory", { ...config, images }, { providers: { docker: host } });

export const factoryName = config.factoryName;
export const imageIds = factory.imageIds;
