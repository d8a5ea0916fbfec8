/**
 * adapter-pg 7.10 with two defects worked round, both of which only the schema engine meets:
 * 1. it refuses the catalog type `"char"` (oid 18), which the engine reads from pg_catalog;
 * 2. its `connectToShadowDb()` ignores the shadow database when given a connection string, because pg lets the string
 *    override the `database` option: migrations would be replayed on the main database.
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import pg from "pg";

const charTypeOid = 18;
const textTypeOid = 25;
/** Never connected to; only to get at adapter-pg's class. */
const unusedUrl = "postgresql://unused@127.0.0.1:1/unused";

/**
 * @param {string} url main database
 * @param {string | undefined} shadowUrl shadow database; a temporary one beside the main database when left out
 */
export async function createAdapterFactory(url, shadowUrl) {
  await passCharColumnsThrough();
  const schema = new URL(url).searchParams.get("schema") ?? undefined;
  const connect = (connectionString) => new PrismaPg({ connectionString, max: 4 }, { schema });
  const factory = connect(url);
  factory.connectToShadowDb = async () => {
    if (shadowUrl !== undefined) return connect(shadowUrl).connect();
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    await execute(url, `CREATE DATABASE "${name}"`);
    const temporaryUrl = new URL(url);
    temporaryUrl.pathname = `/${name}`;
    const adapter = await connect(String(temporaryUrl)).connect();
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await execute(url, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    };
    return adapter;
  };
  return factory;
}

/** Lets `"char"` columns pass adapter-pg as text, then reports them to the engine as characters. */
async function passCharColumnsThrough() {
  let charColumns = [];
  const addFields = pg.Result.prototype.addFields;
  pg.Result.prototype.addFields = function (descriptions) {
    addFields.call(this, descriptions);
    charColumns = [];
    this.fields.forEach((field, index) => {
      if (field.dataTypeID !== charTypeOid) return;
      field.dataTypeID = textTypeOid;
      charColumns.push(index);
    });
  };

  const prototype = await queryablePrototype();
  const queryRaw = prototype.queryRaw;
  prototype.queryRaw = async function (query) {
    charColumns = [];
    const result = await queryRaw.call(this, query);
    for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
}

/** adapter-pg does not export the class that holds `queryRaw`; it is found from an adapter, which connects lazily. */
async function queryablePrototype() {
  let prototype = Object.getPrototypeOf(await new PrismaPg({ connectionString: unusedUrl }).connect());
  while (!Object.hasOwn(prototype, "queryRaw")) prototype = Object.getPrototypeOf(prototype);
  return prototype;
}

async function execute(connectionString, sql) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
