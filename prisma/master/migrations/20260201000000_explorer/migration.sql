-- Search by execution server and by time for the state explorer (PROTOCOL.md section 11: within 50 ms among 10 million versions).

-- AlterTable
ALTER TABLE "DecidedSlot" ADD COLUMN     "executionServers" TEXT[];

-- CreateTable
CREATE TABLE "ServerBlock" (
    "server" TEXT NOT NULL,
    "block" BIGINT NOT NULL,

    CONSTRAINT "ServerBlock_pkey" PRIMARY KEY ("server","block")
);

-- CreateIndex
-- Slots that changed no object (reads, closings, leases) are left out: a search for versions never walks over them.
CREATE INDEX "DecidedSlot_at_slot_idx" ON "DecidedSlot"("at", "slot") WHERE cardinality("objects") > 0;
