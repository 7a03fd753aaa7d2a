import { Option } from "commander";

export interface StackOptions {
  stack: string;
}

export function stackOption(byDefault = "dev"): Option {
  return new Option("-s, --stack <stack>", "environment to work on, one with a Pulumi.<stack>.yaml").default(byDefault);
}

export function yesOption(description: string): Option {
  return new Option("-y, --yes", description);
}

export function jsonOption(): Option {
  return new Option("--json", "print JSON");
}
