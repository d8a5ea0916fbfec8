-- CreateTable
CREATE TABLE "Attribution" (
    "id" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "guilty" TEXT NOT NULL,
    "servers" JSONB NOT NULL,
    "check" TEXT NOT NULL,
    "detail" TEXT NOT NULL,
    "evidence" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Attribution_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Attribution_requestId_at_idx" ON "Attribution"("requestId", "at");
