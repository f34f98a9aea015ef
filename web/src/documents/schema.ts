// What the schema of a kind says of a place: its keys, its values and what they mean.
import type { Path } from './path';

/** The parts of JSON schema that Keyhole's documents use. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: (string | null)[];
  const?: string;
  type?: string;
  default?: unknown;
  description?: string;
  examples?: unknown[];
}

/** One key that may stand at a place. */
export interface KnownKey {
  key: string;
  about: string;
  isRequired: boolean;
  schema: Schema;
}

/** A schema with its definitions. */
export class SchemaReader {
  constructor(readonly root: Schema) {}

  /** What describes the value at a path; undefined where nothing may stand. */
  at(path: Path): Schema | undefined {
    let found: Schema | undefined = this.root;
    for (const step of path) {
      if (!found) return undefined;
      found = this.#below(found, step);
    }
    return found;
  }

  /** The keys that may stand in the mapping at a path. */
  keys(path: Path): KnownKey[] {
    const place = this.at(path);
    if (!place) return [];
    return this.#variants(place).flatMap(({ properties = {}, required = [] }) =>
      Object.entries(properties).map(([key, schema]) => ({
        key,
        about: this.about(schema),
        isRequired: required.includes(key),
        schema,
      })),
    );
  }

  /** The words that may stand at a path. */
  values(path: Path): string[] {
    const place = this.at(path);
    return place ? this.valuesOf(place) : [];
  }

  /** The words that a value may be; of a list, those of its items. */
  valuesOf(schema: Schema): string[] {
    const words = this.#variants(schema).flatMap((one) => {
      if (one.const !== undefined) return [one.const];
      if (one.type === 'boolean') return ['true', 'false'];
      if (one.items) return this.valuesOf(one.items);
      return (one.enum ?? []).filter((word) => word !== null);
    });
    return [...new Set(words)];
  }

  /** Whether a list may stand at a path. */
  isList(path: Path): boolean {
    const place = this.at(path);
    return place !== undefined && this.#variants(place).some(({ items }) => items !== undefined);
  }

  /** Whether a mapping may stand at a place. */
  isMapping(schema: Schema): boolean {
    return this.#variants(schema).some(({ properties }) => properties !== undefined);
  }

  /** What a place means, in a sentence. */
  about(schema: Schema): string {
    return schema.description ?? this.#resolve(schema).description ?? '';
  }

  #below(schema: Schema, step: string | number): Schema | undefined {
    for (const one of this.#variants(schema)) {
      const found = typeof step === 'number' ? one.items : one.properties?.[step];
      if (found) return found;
    }
    return undefined;
  }

  #resolve(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return name ? (this.root.$defs?.[name] ?? {}) : schema;
  }

  #variants(schema: Schema): Schema[] {
    const resolved = this.#resolve(schema);
    const several = resolved.anyOf ?? resolved.oneOf;
    return several ? several.flatMap((one) => this.#variants(one)) : [resolved];
  }
}
