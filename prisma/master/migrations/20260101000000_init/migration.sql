-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "AppliedState" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "appliedSlot" BIGINT NOT NULL,
    "chainDigest" BYTEA NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "AppliedState_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ObjectHead" (
    "object" TEXT NOT NULL,
    "cluster" INTEGER NOT NULL,
    "number" BIGINT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "c1" BYTEA NOT NULL,
    "c2" BYTEA NOT NULL,
    "status" TEXT NOT NULL,
    "changeDigest" BYTEA NOT NULL,
    "requestId" BYTEA NOT NULL,
    "slot" BIGINT NOT NULL,

    CONSTRAINT "ObjectHead_pkey" PRIMARY KEY ("object")
);

-- CreateTable
CREATE TABLE "DecidedSlot" (
    "slot" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kinds" TEXT[],
    "payload" BYTEA NOT NULL,
    "requestPrefixes" BIGINT[],
    "objects" TEXT[],
    "previousSlots" BIGINT[],

    CONSTRAINT "DecidedSlot_pkey" PRIMARY KEY ("slot")
);

-- CreateTable
CREATE TABLE "ObjectCluster" (
    "cluster" INTEGER NOT NULL,
    "epoch" BIGINT NOT NULL,
    "settledEpoch" BIGINT NOT NULL,
    "holder" TEXT,
    "members" TEXT[],
    "chainHead" BYTEA,
    "slot" BIGINT NOT NULL,

    CONSTRAINT "ObjectCluster_pkey" PRIMARY KEY ("cluster")
);

-- CreateTable
CREATE TABLE "PrimaryLease" (
    "component" TEXT NOT NULL,
    "server" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "slot" BIGINT NOT NULL,

    CONSTRAINT "PrimaryLease_pkey" PRIMARY KEY ("component")
);

-- CreateIndex
CREATE INDEX "ObjectHead_cluster_idx" ON "ObjectHead"("cluster");

-- CreateIndex
CREATE INDEX "DecidedSlot_requestPrefixes_idx" ON "DecidedSlot" USING GIN ("requestPrefixes");

