/** The client API of an application as OpenAPI 3.1, from the contract's own JSON Schemas (`GET /v1/openapi.json`). */
import type { ContractJson, JsonSchema, OperationContract } from "@redoubt/application";
import { refusalType } from "@redoubt/application";

type Json = Readonly<Record<string, unknown>>;

const PROBLEM = "#/components/schemas/Problem";
const REQUEST_STATUS = "#/components/schemas/RequestStatus";

/** What the owner of a request is told about it. */
const REQUEST_STATUS_SCHEMA: Json = {
  type: "object",
  properties: {
    requestId: { type: "string" },
    operation: { type: "string" },
    state: { enum: ["pending", "held", "verified", "rejected"] },
    heldUntil: { type: "integer", description: "While it is held: milliseconds since 1970; then it is rejected" },
    status: { type: "integer", description: "When verified: the status of its reply" },
    body: { description: "When verified: the body of its reply" },
  },
  required: ["requestId", "operation", "state"],
};

const requestPath: Json = {
  get: {
    operationId: "request-status",
    summary: "What became of a request of this client",
    parameters: [{ name: "id", in: "path", required: true, schema: { type: "string", pattern: "^[0-9a-f]{64}$" } }],
    responses: {
      "200": { description: "What is known", content: { "application/json": { schema: { $ref: REQUEST_STATUS } } } },
      ...Object.fromEntries(
        [
          ["401", "The client key is absent or wrong"],
          ["403", "The client is blocked"],
          ["404", "There is no such request, or it is another client's"],
          ["503", "Not available now; see Retry-After"],
        ].map(([status, description]) => [
          status,
          { description, content: { "application/problem+json": { schema: { $ref: PROBLEM } } } },
        ]),
      ),
    },
  },
};

/** Problems that the infrastructure itself may answer with, whatever the operation. */
const INFRASTRUCTURE_PROBLEMS: readonly (readonly [status: string, description: string])[] = [
  ["400", "The request is malformed; the problem names each field"],
  ["401", "The client key is absent or wrong"],
  ["403", "The request was blocked or quarantined"],
  ["410", "The idempotency key is older than the window in which it is remembered"],
  ["413", "The request is too large"],
  ["415", "The request is no JSON"],
  ["422", "The idempotency key was used with another body"],
  ["429", "Too many requests; see Retry-After"],
  ["503", "Not available now; see Retry-After"],
  ["504", "The outcome is unknown; repeat the request with the same idempotency key"],
];

/** OpenAPI 3.1 document of the contract. */
export function openApiOf(contract: ContractJson): Json {
  const paths: Record<string, Json> = { "/v1/requests/{id}": requestPath };
  for (const operation of Object.values(contract.operations)) {
    const post = operationJson(contract, operation);
    paths[`/v1/operations/${operation.name}`] = { post };
    if (operation.route) paths[operation.route.path] = { post: { ...post, operationId: `${operation.name}-route` } };
  }
  return {
    openapi: "3.1.0",
    info: { title: contract.title, version: String(contract.version) },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    security: [{ clientKey: [] }],
    paths,
    components: {
      securitySchemes: { clientKey: { type: "http", scheme: "bearer" } },
      schemas: {
        RequestStatus: REQUEST_STATUS_SCHEMA,
        Problem: {
          type: "object",
          description: "Problem document (RFC 9457)",
          properties: {
            type: { type: "string" },
            title: { type: "string" },
            status: { type: "integer" },
            detail: { type: "string" },
          },
          required: ["type", "title", "status"],
        },
      },
    },
  };
}

function operationJson(contract: ContractJson, operation: OperationContract): Json {
  return {
    operationId: operation.name,
    summary: operation.title,
    ...(operation.description ? { description: operation.description } : {}),
    parameters: [
      {
        name: "Idempotency-Key",
        in: "header",
        required: false,
        description: "Repeating a request with the same key takes effect once and gives the same reply",
        schema: { type: "string", maxLength: 256 },
      },
    ],
    requestBody: { required: true, content: { "application/json": { schema: withoutDialect(operation.input) } } },
    responses: responsesOf(contract, operation),
  };
}

function responsesOf(contract: ContractJson, operation: OperationContract): Json {
  const descriptions = new Map(INFRASTRUCTURE_PROBLEMS.map(([status, text]) => [status, [text]]));
  for (const [name, { status, title }] of Object.entries(operation.refusals)) {
    const texts = descriptions.get(String(status)) ?? [];
    descriptions.set(String(status), [...texts, `${title} (${refusalType(contract, name)})`]);
  }
  const responses: Record<string, Json> = {
    "200": {
      description: "Done",
      headers: {
        "Redoubt-Request-Id": { schema: { type: "string" } },
        "Idempotent-Replayed": {
          schema: { type: "string", const: "true" },
          description: "The reply of an earlier request",
        },
      },
      content: { "application/json": { schema: withoutDialect(operation.output) } },
    },
  };
  if (operation.onQuarantine === "hold")
    responses["202"] = {
      description:
        "Quarantined, and held for an administrator until heldUntil; the same key gives its reply when released",
      headers: {
        Location: { schema: { type: "string" }, description: "Where to ask what became of it" },
        "Redoubt-Request-Id": { schema: { type: "string" } },
      },
      content: { "application/json": { schema: { $ref: REQUEST_STATUS } } },
    };
  for (const [status, texts] of descriptions)
    responses[status] = {
      description: texts.join("; or: "),
      content: { "application/problem+json": { schema: { $ref: PROBLEM } } },
    };
  return responses;
}

function withoutDialect(schema: JsonSchema): Json {
  const { $schema: _, ...rest } = schema;
  return rest;
}
