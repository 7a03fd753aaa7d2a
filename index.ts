import { Factory } from "./components/factory.ts";
import { loadConfig } from "./config/load.ts";

const config = loadConfig();
const factory = new Factory("factory", config);

export const factoryName = config.factoryName;
export const imageIds = factory.imageIds;
