import type { z } from "zod";
import type { KeyDocs } from "./field-types.ts";
import { configSchema } from "./schema.ts";

/** A key of the config, structured or not, as the schema declares it. */
export interface Field {
  schema: z.core.$ZodType;
  docs?: KeyDocs;
  /** The default as a user would write it. */
  byDefault?: unknown;
  /** Keys below it, where it is structured. */
  keys: string[];
  /** Whether it is a number. */
  isNumber: boolean;
  /** Whether it is a list. */
  isList: boolean;
  /** Whether it has names that people choose. */
  isMap: boolean;
}

/** Stands for a name that people choose, in {@link Field.keys}. */
const anyName = "NAME";

/** The field at a path of the config; undefined where the schema knows none. */
export function fieldAt(path: readonly PropertyKey[]): Field | undefined {
  let schema: z.core.$ZodType | undefined = configSchema;
  for (const key of path) {
    schema = typeof key === "number" ? elementOf(schema) : (shapeOf(schema)?.[String(key)] ?? namedShape(schema));
    if (schema === undefined) return undefined;
  }
  return describe(schema);
}

/** A path as Pulumi reads one: `edge.routes[0].path`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .slice(1);
}

function describe(schema: z.core.$ZodType): Field {
  const { type } = definitionOf(layers(schema).at(-1) ?? schema);
  const keys = namedShape(schema) === undefined ? Object.keys(shapeOf(schema) ?? {}) : [anyName];
  const field: Field = {
    schema,
    keys,
    isNumber: type === "number",
    isList: type === "array",
    isMap: type === "record",
  };
  for (const layer of layers(schema)) {
    const docs = (layer as z.ZodType).meta() as KeyDocs | undefined;
    if (docs?.description !== undefined) field.docs ??= docs;
    const definition = definitionOf(layer);
    if (definition.type === "prefault") field.byDefault ??= definition.defaultValue;
  }
  return field;
}

function shapeOf(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  return layers(schema)
    .map((layer) => definitionOf(layer).shape)
    .find((shape) => shape !== undefined);
}

/** What lies below every name, where people choose the names and something structured is below them. */
function namedShape(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const below = layers(schema)
    .map((layer) => definitionOf(layer).valueType)
    .find((value) => value !== undefined);
  return below !== undefined && shapeOf(below) !== undefined ? below : undefined;
}

/** What the elements of a list are; undefined where they have no keys of their own, and the list says it all. */
function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { element } = definitionOf(layers(schema).at(-1) ?? schema);
  return element === undefined || shapeOf(element) === undefined ? undefined : element;
}

/** A schema and what it wraps: optional(prefault(pipe(string))) and so on inwards. */
function layers(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { innerType, in: input } = definitionOf(schema);
  const inner = innerType ?? input;
  return inner === undefined ? [schema] : [schema, ...layers(inner)];
}

interface Definition {
  type: string;
  innerType?: z.core.$ZodType;
  in?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  valueType?: z.core.$ZodType;
  element?: z.core.$ZodType;
  defaultValue?: unknown;
}

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}
