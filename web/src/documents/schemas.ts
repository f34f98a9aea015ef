// The schemas of all kinds, as `./dev gen` writes them; part of the chunk of the documents.
import client from '../../../schema/client.schema.json';
import list from '../../../schema/list.schema.json';
import logExclusion from '../../../schema/logexclusion.schema.json';
import policy from '../../../schema/policy.schema.json';
import record from '../../../schema/record.schema.json';
import trustDomain from '../../../schema/trustdomain.schema.json';
import upstream from '../../../schema/upstream.schema.json';

import type { Kind } from './kinds';
import { SchemaReader, type Schema } from './schema';

const readers: Record<Kind, SchemaReader> = {
  Policy: new SchemaReader(policy as Schema),
  List: new SchemaReader(list as Schema),
  Client: new SchemaReader(client as Schema),
  Record: new SchemaReader(record as Schema),
  Upstream: new SchemaReader(upstream as Schema),
  TrustDomain: new SchemaReader(trustDomain as Schema),
  LogExclusion: new SchemaReader(logExclusion as Schema),
};

/** The schema of a kind. */
export const schemaOf = (kind: Kind): SchemaReader => readers[kind];
