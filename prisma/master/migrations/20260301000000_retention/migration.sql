-- Which decided slots are kept only reduced (ADR 0022).

-- CreateTable
CREATE TABLE "Retention" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "reducedThrough" BIGINT NOT NULL,
    "reducedAt" TIMESTAMPTZ(3) NOT NULL,
    "chainDigest" BYTEA NOT NULL,

    CONSTRAINT "Retention_pkey" PRIMARY KEY ("id")
);

-- Space of reduced rows is used again early: by default a fifth of the largest table would be dead first.
ALTER TABLE "DecidedSlot" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
