/* SPDX-License-Identifier: MIT */
#ifndef MV_FORMAT_LABELS_H
#define MV_FORMAT_LABELS_H

/* labels: what keys are derived for and signatures mean (docs/format.md). */

/* Section 2: mv_kdf() of the structure secret S. */
#define MV_LABEL_WRAP "mastvault 1 wrap"
#define MV_LABEL_FOOTER "mastvault 1 footer"
#define MV_LABEL_NODE "mastvault 1 node id"
#define MV_LABEL_INDEX "mastvault 1 index"
#define MV_LABEL_SNAPSHOT "mastvault 1 snapshot"
#define MV_LABEL_LEDGER "mastvault 1 ledger"
#define MV_LABEL_BAD "mastvault 1 bad"
#define MV_LABEL_GRANT "mastvault 1 grant"
#define MV_LABEL_LABEL "mastvault 1 label"
/* Of the identity secret I. */
#define MV_LABEL_CHUNK_DB "mastvault 1 chunk db"
#define MV_LABEL_CHUNK_MEDIA "mastvault 1 chunk media"
#define MV_LABEL_GEAR "mastvault 1 gear"
/* Of the vault secret V. */
#define MV_LABEL_VAULT "mastvault 1 vault"

/* Signatures; snapshot, ledger, bad and vault have the labels above. */
#define MV_LABEL_KEYRING "mastvault 1 keyring"
#define MV_LABEL_ORIGIN "mastvault 1 origin"
#define MV_LABEL_ENROLMENT "mastvault 1 enrolment"

#endif
