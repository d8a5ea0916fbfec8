-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "ClusterSetting" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "updatedBy" TEXT NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ClusterSetting_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "Node" (
    "name" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "slots" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "pid" INTEGER,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "lastReportAt" TIMESTAMPTZ(3),

    CONSTRAINT "Node_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "Server" (
    "name" TEXT NOT NULL,
    "component" TEXT NOT NULL,
    "nodeName" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "role" TEXT,
    "hosts" TEXT[],
    "port" INTEGER,
    "pid" INTEGER,
    "processStartTime" BIGINT,
    "incarnation" INTEGER NOT NULL DEFAULT 0,
    "certificateSerial" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Server_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "Degree" (
    "component" TEXT NOT NULL,
    "wanted" INTEGER NOT NULL,
    "faults" INTEGER,
    "version" INTEGER NOT NULL DEFAULT 1,
    "deciderKind" TEXT NOT NULL,
    "decidedBy" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Degree_pkey" PRIMARY KEY ("component")
);

-- CreateTable
CREATE TABLE "DegreePlan" (
    "id" TEXT NOT NULL,
    "component" TEXT NOT NULL,
    "fromCount" INTEGER NOT NULL,
    "toCount" INTEGER NOT NULL,
    "faults" INTEGER,
    "degreeVersion" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "progress" JSONB NOT NULL DEFAULT '{}',
    "steps" JSONB NOT NULL,
    "verdicts" JSONB NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "startedAt" TIMESTAMPTZ(3),
    "startedBy" TEXT,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "DegreePlan_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Client" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "keyHash" TEXT NOT NULL,
    "roles" TEXT[],
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastSeenAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Client_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "FeedEvent" (
    "number" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "payload" JSONB NOT NULL,

    CONSTRAINT "FeedEvent_pkey" PRIMARY KEY ("number")
);

-- CreateTable
CREATE TABLE "QuarantinedRequest" (
    "requestId" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "operation" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "client" TEXT,
    "host" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "check" TEXT NOT NULL,
    "class" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "detail" JSONB NOT NULL,
    "payload" BYTEA NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "state" TEXT NOT NULL,
    "held" BOOLEAN NOT NULL DEFAULT false,
    "expiresAt" TIMESTAMPTZ(3),
    "reviewer" TEXT,
    "claimedUntil" TIMESTAMPTZ(3),
    "releaseRequestedBy" TEXT,
    "decidedBy" TEXT,
    "decidedAt" TIMESTAMPTZ(3),
    "decisionNote" TEXT,
    "notes" JSONB NOT NULL DEFAULT '[]',
    "rerunRequestId" TEXT,
    "signatureId" TEXT,

    CONSTRAINT "QuarantinedRequest_pkey" PRIMARY KEY ("requestId")
);

-- CreateTable
CREATE TABLE "BlockedHost" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "requestId" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),
    "liftedAt" TIMESTAMPTZ(3),
    "liftedBy" TEXT,

    CONSTRAINT "BlockedHost_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Signature" (
    "id" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "pattern" JSONB NOT NULL,
    "mode" TEXT NOT NULL,
    "requestId" TEXT,
    "hits" BIGINT NOT NULL DEFAULT 0,
    "shadowHits" BIGINT NOT NULL DEFAULT 0,
    "lastHitAt" TIMESTAMPTZ(3),
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Signature_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ScreeningRule" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "operation" TEXT,
    "expression" JSONB NOT NULL,
    "mode" TEXT NOT NULL,
    "hits" BIGINT NOT NULL DEFAULT 0,
    "lastHitAt" TIMESTAMPTZ(3),
    "createdBy" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),

    CONSTRAINT "ScreeningRule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Incident" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "openKey" TEXT,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "evidence" JSONB NOT NULL,
    "timeline" JSONB NOT NULL DEFAULT '[]',
    "count" INTEGER NOT NULL DEFAULT 1,
    "openedAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "closedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Incident_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AuditEntry" (
    "sequence" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "via" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "reason" TEXT,
    "detail" TEXT NOT NULL,
    "previousHash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "AlertSubscription" (
    "id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "events" TEXT[],
    "minimumSeverity" TEXT NOT NULL,
    "verifiedAt" TIMESTAMPTZ(3),
    "verificationCodeHash" TEXT,
    "verificationFailures" INTEGER NOT NULL DEFAULT 0,
    "flaggedAt" TIMESTAMPTZ(3),
    "flaggedBecause" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AlertSubscription_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "AlertDelivery" (
    "id" TEXT NOT NULL,
    "subscriptionId" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "eventNumber" BIGINT,
    "dedupeKey" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "message" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "nextAttemptAt" TIMESTAMPTZ(3) NOT NULL,
    "claimedBy" TEXT,
    "claimedUntil" TIMESTAMPTZ(3),
    "lastReply" TEXT,
    "attemptLog" JSONB NOT NULL DEFAULT '[]',
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "sentAt" TIMESTAMPTZ(3),

    CONSTRAINT "AlertDelivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "HealthSample" (
    "node" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "cpu" DOUBLE PRECISION NOT NULL,
    "memoryBytes" BIGINT NOT NULL,
    "memoryTotal" BIGINT NOT NULL,
    "load" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "HealthSample_pkey" PRIMARY KEY ("node","at")
);

-- CreateIndex
CREATE INDEX "Server_nodeName_idx" ON "Server"("nodeName");

-- CreateIndex
CREATE INDEX "Server_component_idx" ON "Server"("component");

-- CreateIndex
CREATE INDEX "DegreePlan_component_createdAt_idx" ON "DegreePlan"("component", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Client_name_key" ON "Client"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Client_keyHash_key" ON "Client"("keyHash");

-- CreateIndex
CREATE INDEX "FeedEvent_kind_number_idx" ON "FeedEvent"("kind", "number");

-- CreateIndex
CREATE INDEX "QuarantinedRequest_state_at_idx" ON "QuarantinedRequest"("state", "at");

-- CreateIndex
CREATE INDEX "QuarantinedRequest_at_idx" ON "QuarantinedRequest"("at");

-- CreateIndex
CREATE INDEX "QuarantinedRequest_client_at_idx" ON "QuarantinedRequest"("client", "at");

-- CreateIndex
CREATE INDEX "QuarantinedRequest_host_at_idx" ON "QuarantinedRequest"("host", "at");

-- CreateIndex
CREATE INDEX "BlockedHost_kind_value_idx" ON "BlockedHost"("kind", "value");

-- CreateIndex
CREATE INDEX "BlockedHost_requestId_idx" ON "BlockedHost"("requestId");

-- CreateIndex
CREATE INDEX "Signature_operation_idx" ON "Signature"("operation");

-- CreateIndex
CREATE INDEX "Signature_requestId_idx" ON "Signature"("requestId");

-- CreateIndex
CREATE UNIQUE INDEX "ScreeningRule_name_key" ON "ScreeningRule"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Incident_openKey_key" ON "Incident"("openKey");

-- CreateIndex
CREATE INDEX "Incident_state_openedAt_idx" ON "Incident"("state", "openedAt");

-- CreateIndex
CREATE INDEX "Incident_key_idx" ON "Incident"("key");

-- CreateIndex
CREATE INDEX "AuditEntry_actor_sequence_idx" ON "AuditEntry"("actor", "sequence");

-- CreateIndex
CREATE INDEX "AuditEntry_subject_sequence_idx" ON "AuditEntry"("subject", "sequence");

-- CreateIndex
CREATE INDEX "AlertSubscription_owner_idx" ON "AlertSubscription"("owner");

-- CreateIndex
CREATE UNIQUE INDEX "AlertDelivery_dedupeKey_key" ON "AlertDelivery"("dedupeKey");

-- CreateIndex
CREATE INDEX "AlertDelivery_state_nextAttemptAt_idx" ON "AlertDelivery"("state", "nextAttemptAt");

-- CreateIndex
CREATE INDEX "AlertDelivery_subscriptionId_createdAt_idx" ON "AlertDelivery"("subscriptionId", "createdAt");

-- CreateIndex
CREATE INDEX "HealthSample_at_idx" ON "HealthSample"("at");

-- AddForeignKey
ALTER TABLE "Server" ADD CONSTRAINT "Server_nodeName_fkey" FOREIGN KEY ("nodeName") REFERENCES "Node"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "AlertDelivery" ADD CONSTRAINT "AlertDelivery_subscriptionId_fkey" FOREIGN KEY ("subscriptionId") REFERENCES "AlertSubscription"("id") ON DELETE CASCADE ON UPDATE CASCADE;

