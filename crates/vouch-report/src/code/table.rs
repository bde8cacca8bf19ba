//! The table of codes: name, list, severity, meaning, what to do.

use super::{Explanation, Kind};
use crate::Severity;

codes! {
    RowSourceOnly "row-source-only" Finding Error
        "The row is on the source and missing on the replica."
        "Find out what deleted it or kept it from arriving (a write on the replica, a skipped error, a filter). Re-create it on the replica with sql_log_bin=0, or rebuild the replica.";
    RowReplicaOnly "row-replica-only" Finding Error
        "The row is on the replica and missing on the source."
        "Something wrote on the replica, or a delete did not arrive. Set read_only/super_read_only on replicas, then delete the row there with sql_log_bin=0, or rebuild the replica.";
    RowChanged "row-changed" Finding Error
        "The row is on both sides under the same key, with other contents. The report lists the columns that differ."
        "Run again with --show-values to see both values. Correct the replica with sql_log_bin=0, or rebuild it.";
    RowsBeyondLimit "rows-beyond-limit" Finding Error
        "More rows differ than --max-findings lets a table list; the rest is counted, not listed."
        "A difference of this size is best mended by rebuilding the replica. Raise --max-findings to list more.";
    TableSourceOnly "table-source-only" Finding Error
        "The table exists on the source and not on the replica."
        "Look for a replication filter or a failed DDL statement on the replica.";
    TableReplicaOnly "table-replica-only" Finding Error
        "The table exists on the replica and not on the source."
        "Something created it on the replica, or a DROP did not arrive. If it is there on purpose, exclude it with --ignore-tables.";
    ColumnSourceOnly "column-source-only" Finding Error
        "The column exists on the source and not on the replica; it was left out of the comparison of rows."
        "Look for a DDL statement that failed or was skipped on the replica.";
    ColumnReplicaOnly "column-replica-only" Finding Error
        "The column exists on the replica and not on the source; it was left out of the comparison of rows."
        "If it is there on purpose, exclude it with --ignore-columns.";
    ColumnDiffers "column-differs" Finding Error
        "The column has another type, nullability, charset or collation on the replica."
        "Replication converts or truncates silently when types differ. Bring the definitions together.";
    IndexDiffers "index-differs" Finding Notice
        "An index differs or exists on one side only. Rows are not affected."
        "Often on purpose (reporting replicas). Mind it before a failover.";
    UniqueKeyDiffers "unique-key-differs" Finding Error
        "A primary or unique key covers other columns on the replica, or exists on one side only. After a failover the server accepts duplicates that the source refuses, or the other way round."
        "Look for a DDL statement that failed or was skipped on the replica. Check for duplicates before you create the key.";
    DefaultDiffers "default-differs" Finding Error
        "The column has another DEFAULT or ON UPDATE on the replica. Rows that are inserted or updated after a failover get other values."
        "Bring the definitions together with ALTER TABLE … ALTER COLUMN … SET DEFAULT, with sql_log_bin=0.";
    AutoIncrementDiffers "auto-increment-differs" Finding Error
        "The column is AUTO_INCREMENT on one side only. After a failover inserts fail, or get no key of their own."
        "Bring the definitions together. Often a table was created by CREATE TABLE … SELECT, or restored by a tool that leaves the attribute out.";
    GeneratedDiffers "generated-differs" Finding Error
        "The column is computed by another expression on the replica, or is generated on one side only."
        "Replication does not transfer what a replica computes by itself. Bring the definitions together and compare the rows again.";
    GeneratedKindDiffers "generated-kind-differs" Finding Notice
        "A generated column is stored on one side and computed when it is read on the other. Its values are the same."
        "Mind it before a failover: the cost of reads and of ALTER TABLE differs.";
    ColumnVisibilityDiffers "column-visibility-differs" Finding Error
        "The column is INVISIBLE on one side only. SELECT * and an INSERT without a list of columns mean other columns after a failover."
        "Bring the definitions together with ALTER TABLE … ALTER COLUMN … SET VISIBLE or INVISIBLE.";
    ColumnOrderDiffers "column-order-differs" Finding Error
        "The columns are in another order on the replica. Row events carry values by position, so replication may put them into the wrong columns."
        "Rebuild the table on the replica with the order of the source, then compare its rows again.";
    ColumnAttributeDiffers "column-attribute-differs" Finding Error
        "Another clause of the column differs, such as SRID or WITHOUT SYSTEM VERSIONING. It decides which values are accepted or kept."
        "Bring the definitions together.";
    CheckDiffers "check-differs" Finding Error
        "A CHECK constraint differs, is not enforced, or exists on one side only. After a failover the server accepts rows that the source refuses, or the other way round."
        "Look for a DDL statement that failed or was skipped on the replica. Bring the definitions together.";
    ForeignKeyDiffers "foreign-key-differs" Finding Error
        "A foreign key differs or exists on one side only. After a failover the server accepts other rows, or deletes and changes other rows by a cascade."
        "Look for a DDL statement that failed or was skipped on the replica, or for a load with foreign_key_checks=0. Bring the definitions together.";
    ConstraintNameDiffers "constraint-name-differs" Finding Notice
        "The same foreign key, CHECK constraint or index has another name on the replica."
        "An ALTER TABLE … DROP that names it stops replication there. Rename it on the replica.";
    PartitioningDiffers "partitioning-differs" Finding Error
        "The table is partitioned in another way on the replica. Rows may be refused that the source accepts, and DROP or TRUNCATE PARTITION removes other rows there."
        "Look for a DDL statement that failed on the replica, or a job that creates partitions on one server only.";
    VersioningDiffers "versioning-differs" Finding Error
        "The table keeps the history of its rows (WITH SYSTEM VERSIONING) or has a PERIOD on one side only."
        "Bring the definitions together. History that was not kept cannot be recovered.";
    TableOptionDiffers "table-option-differs" Finding Notice
        "The table has another option on the replica, such as its default collation or its encryption. Rows are not affected."
        "Mind it before a failover: new columns take the table's default character set.";
    EngineDiffers "engine-differs" Finding Notice
        "The table has another storage engine or row format on the replica. Rows are not affected."
        "Mind it before a failover: locking and durability differ.";
    ErrantTransactions "errant-transactions" Finding Error
        "The replica has executed transactions that the source never had."
        "Something wrote on the replica with binary logging on. A failover to it would spread or lose them. Inspect them with mysqlbinlog --include-gtids, then inject empty transactions on the source or rebuild the replica.";
    ChunkDiffers "chunk-differs" Finding Error
        "The replica computed another checksum or another number of rows for a chunk than the source did, at the same place of the statement stream."
        "Run vouch compare --from-checksums with the same --replicate to see which rows differ.";

    PageChecksum "page-checksum" Finding Error
        "The page's checksum does not fit its contents: bytes changed after the server wrote it, or were never written."
        "Restore the file from another backup. Where the message names a good copy in a doublewrite file, recovery by the server may mend it. On the live server, check the disk and the memory.";
    PageTorn "page-torn" Finding Error
        "The start and the end of the page are of two different writes, though its checksum may hold."
        "The page was written in part. Restore it from another backup; a server that recovers takes it from its doublewrite files.";
    PageMisplaced "page-misplaced" Finding Error
        "The page is whole, but bears another page number than its place in the file."
        "A write went to the wrong place, or pages were swapped. Restore the file from another backup and check the storage.";
    PageForeign "page-foreign" Finding Error
        "The page is whole, but belongs to another tablespace."
        "A write went to the wrong file, or files were mixed up. Restore the file from another backup and check the storage.";
    PageFuture "page-future" Finding Error
        "The page's last change is of an LSN behind the end of the log that belongs to it: of the copied log of a backup, or of a server that was shut down."
        "The page is of another moment than the rest: files of two backups were mixed, the page was copied after the log, or the log was made anew. Restore the file from the same backup as the others.";
    PageAlgorithm "page-algorithm" Finding Error
        "The page is whole by another checksum formula than the one that --algorithm strict_… accepts."
        "Servers mix formulas, since a page keeps the one that it was written with, and one that runs with a strict_ setting may refuse such a page. Rebuild the table (ALTER TABLE … FORCE), or leave the option out.";
    PageUndecodable "page-undecodable" Finding Error
        "The page is compressed and does not decompress to a page."
        "Restore the file from another backup.";
    PageLost "page-lost" Finding Error
        "The page is in use by the tablespace's own records, and is all zero in the file; or all of a file is. In a copy that is yet to be recovered, the redo log does not create it either."
        "A write was lost, or a range was zeroed. Restore the file from another backup.";
    IndexPage "index-page" Finding Error
        "A page of an index contradicts itself: its directory, its chain of records or its counts. Its checksum holds, so it was written so."
        "Dump what can be read and rebuild the table. Check the memory of the server, and look for bugs of its version.";
    IndexTree "index-tree" Finding Error
        "Pages of an index contradict each other: links between neighbours, levels, the number of children, or which children a node names."
        "Often a stale page: one write was lost, and the page before it is whole. Restore from another backup, or rebuild the index.";
    SdiRecord "sdi-record" Finding Error
        "What a tablespace of MySQL says of its own tables cannot be read, or names a root of an index that is none. The checksum of the page holds, so it was written so."
        "Dump the table from the server and make it anew; an import of this file would fail.";
    ExtentMap "extent-map" Finding Error
        "What the tablespace says of its extents contradicts itself: descriptors, their lists, the counts in its first page, or the use of single pages. Pages that count as free are written over."
        "Dump what can be read and rebuild the tablespace. Pages that are in use by an index and free here are lost with the next write.";
    SegmentMap "segment-map" Finding Error
        "What the tablespace says of its segments contradicts its extents or the pages of its indexes: a segment holds pages that are free, that another one holds too, or that are of another index."
        "Dump what can be read and rebuild the tablespace. When the table grows, the server may hand out pages that are in use.";
    IndexOrder "index-order" Finding Error
        "Keys of an index are not in their order, within a page or from a page to the next one."
        "Rows are not found by this index, and may be returned twice. Build the index anew, or restore from another backup.";
    LobChain "lob-chain" Finding Error
        "Parts of a value that is too long for its record contradict each other: a part is missing, is of another value, or leads around in a circle."
        "The value cannot be read. Restore from another backup, or dump the table without it.";
    FileTruncated "file-truncated" Finding Error
        "The file is shorter than its own first page says."
        "The copy is not complete. Copy it again.";
    FileCut "file-cut" Finding Error
        "The file ends inside a page."
        "The copy is not complete. Copy it again.";
    ImageChunk "image-chunk" Finding Error
        "A chunk of a backup image has another checksum than its contents."
        "The image changed after it was written. Pages that are damaged by it are reported apart; take the file from another backup.";
    ImageDamaged "image-damaged" Finding Error
        "A backup image or a packed file is damaged where it holds no pages: what it says of itself cannot be, or it does not unpack."
        "Take another copy of it. What follows in the same file could not be verified.";
    ImageCut "image-cut" Finding Error
        "A backup image or a packed file ends before it is complete."
        "The copy is not complete: the backup was broken off, or its transport was. Copy it again, or make another backup.";
    DeltaDamaged "delta-damaged" Finding Error
        "A file of an incremental backup contradicts itself: its lists of pages, its length, or a page that is older than the backup before."
        "It cannot be applied, or makes other pages than the server had. Take another incremental backup, or a full one.";
    FileUnrecognised "file-unrecognised" Finding Error
        "The file should be a tablespace, and no page in it is one of any format."
        "It is overwritten, or no tablespace at all. Restore it from another backup.";
    FileMissing "file-missing" Finding Error
        "A file is not there that must be, by what the other files say: the numbers in their names, the other half of a table, backup-my.cnf, the list of tables in MariaDB's system tablespace, or that of tablespaces in MySQL's dictionary."
        "Copy it again, or take another backup. A server does not start without files of its system tablespace, its undo or its redo log, and has no access to a table without its file.";
    FileForeign "file-foreign" Finding Error
        "The file at this path is another tablespace than the one that the dictionary has there, as after two files were swapped or one was copied over the other."
        "Take the file from the backup or the server that the others are from. A server does not open the table.";
    FileStray "file-stray" Finding Notice
        "A tablespace is there of which neither the list of tables in MariaDB's system tablespace nor MySQL's dictionary says anything."
        "The server does not open it. Often it was left over from a dropped table, or put there by hand.";
    RedoBlock "redo-block" Finding Error
        "A block or a mini-transaction of the redo log has another checksum than its contents or is missing, or the log ends before it must. Recovery stops there, or fails, and so does preparing a backup."
        "Take the log from another copy. Without it a backup that is yet to be recovered cannot be.";
    BinlogEvent "binlog-event" Finding Error
        "An event of a binary log or a relay log has another checksum than its contents, or a length that cannot be."
        "Take the file from the source or another copy; a replica fetches its relay logs again. Point-in-time recovery from this file stops there.";
    AriaPage "aria-page" Finding Error
        "A page of an Aria table (an engine of MariaDB, which has its system tables) has another checksum than its contents, the file of such a table is cut, or Aria's control file is damaged."
        "Restore both files of the table from another backup. On the live server, CHECK TABLE and REPAIR TABLE, or aria_chk while it is shut down; what was on a damaged page is lost.";
    SpaceTwice "space-twice" Finding Error
        "Two files say that they are the same tablespace, so the server would take one of them."
        "Find out which one belongs to the table, and remove the other one from the copy.";

    TableMismatch "table-mismatch" Finding Error
        "The table's rows, their number or its definition are not what the manifest says."
        "Do not fail over to this server. Find the rows with `vouch compare`, or restore the backup anew.";
    TableMissing "table-missing" Finding Error
        "The manifest has the table and the server does not, or the account may not see it."
        "The backup or its restore is not complete, or the table was dropped. Check the account's SELECT privilege.";
    TableExtra "table-extra" Finding Error
        "The server has a table in a database of the manifest that the manifest does not name."
        "Find out who made it. --extra ignore lets such tables be.";
    ObjectMissing "object-missing" Finding Error
        "The manifest has a view, routine, trigger or event that the server does not have."
        "Dumps leave out routines, triggers or events unless told otherwise. Restore them.";
    ObjectMismatch "object-mismatch" Finding Error
        "A view, routine, trigger or event is defined otherwise than the manifest says."
        "Somebody changed it, or it was restored from elsewhere. Compare it with the source's.";

    BackupFileMissing "backup-file-missing" Finding Error
        "The manifest names a file that the backup does not have."
        "The backup is not complete. Use another one.";
    BackupFileChanged "backup-file-changed" Finding Error
        "A file of the backup has another size or other contents than when the manifest was made."
        "It was damaged or changed since. Use another backup, and look at where this one was kept.";
    BackupFileExtra "backup-file-extra" Finding Notice
        "The backup has a file that the manifest does not name."
        "Find out who put it there.";

    KeyHot "key-hot" Error Notice
        "The key kept changing until the deadline, so it could neither be shown equal nor different. Unproven, not drift."
        "Run again at a quieter time, or raise --hot-deadline.";
    DefinitionUnread "definition-unread" Error Notice
        "The whole definition of a table could not be read, or was not understood: defaults, constraints, partitions and the like were not compared."
        "Grant SELECT on the whole table. If the message quotes a clause of the definition, please report it. --schema rows compares without it.";
    RowUnclear "row-unclear" Error Notice
        "A row differs, and the binary log does not tell whether it changed meanwhile: a statement or an event that is not understood, a foreign key that acts on it, or a window that could not be read. Unproven, not drift."
        "The message names the cause, with its place in the log. Run again at a quieter time; --proof none goes without the log, and confirms by looking twice.";
    ErrantUnknown "errant-unknown" Error Notice
        "Whether the replica has transactions that its source never had cannot be told."
        "The message names the cause. After FLUSH BINARY LOGS DELETE_DOMAIN_ID on the source, delete the domain on the replica, too.";
    TableFailed "table-failed" Error Notice
        "The table could not be compared to its end."
        "The message names the cause; what was found before is reported. Continue with --resume.";
    TableChanged "table-changed" Error Notice
        "The definition of the table changed while it was compared, again and again."
        "Run again when the schema change is over.";
    TableVanished "table-vanished" Error Notice
        "The table was there at the start and is gone."
        "If it was dropped on purpose, run again; otherwise look who dropped it.";
    NotRun "not-run" Error Notice
        "The run ended before this was checked."
        "Run again; where the command has --resume, it continues from here.";
    NotCompared "not-compared" Error Notice
        "Definitions are compared only within one flavor, and this manifest comes from the other one. Objects and schema-only tables were not compared."
        "Compare them by hand, then pass --allow-other-flavor.";
    NothingVerified "nothing-verified" Error Notice
        "Nothing was verified: no item of the request was checked to its end. No finding is not the same as clean."
        "Check the filters, the paths and the account's privileges.";
    AccountUnsound "account-unsound" Error Notice
        "The run lost count of what it had to check. This is a bug in vouch, and the result is not to be relied on."
        "Please report it with the command and the JSON result.";
    TableUnknown "table-unknown" Error Notice
        "A table or database that was asked for by name does not exist on the source, or the account may not see it."
        "Check the spelling and the account's SELECT privilege.";
    ConnectionLost "connection-lost" Error Notice
        "The connection to a server was lost and could not be made again in time."
        "Continue with --resume once the server is back. --retry-for sets how long to try.";
    AddressMoved "address-moved" Error Notice
        "The address led to one server at the start and to another one later: it belongs to a load balancer, a virtual IP or a failover. What was read of two servers proves nothing about either."
        "Name each server by an address of its own. After a failover, run again.";
    TablesHidden "tables-hidden" Error Notice
        "The account's privileges do not cover everything that was asked for, so there may be tables that the server does not list to it."
        "Grant SELECT on the databases that are named or on *.*, name only what the account may see (--databases, --tables), or accept it with --accept-hidden-tables.";
    AccessDenied "access-denied" Error Notice
        "The server refused the account a thing that is needed to look."
        "Grant the privilege that the message names.";
    LagTimeout "lag-timeout" Error Notice
        "The replica did not apply the source's position in time, so the chunk could not be compared."
        "Look at the replica's applier. --wait-timeout sets how long to wait; --resume continues.";
    ReplicaMissing "replica-missing" Error Notice
        "Fewer replicas were found than --expect-replicas says."
        "Name the missing ones with --replica, or look why they are not connected.";
    ReplicaUnreachable "replica-unreachable" Error Notice
        "A replica was discovered but could not be connected to."
        "Name it with --replica and an address and account that work from here.";
    ReplicaNotAllowed "replica-not-allowed" Error Notice
        "A server told of a replica at an address that nobody allowed the account to be sent to, or in a way that would choose what is sent. The replica was not asked."
        "Name it with --replica, or cover its host with --allow-discovered. Whoever may write to the DSN table, or register as a replica, chooses these addresses.";
    DeadlineReached "deadline-reached" Error Notice
        "--run-time was over before everything was compared."
        "Continue with --resume.";
    ServerFault "server-fault" Error Notice
        "The server answered with an error that vouch has no better word for."
        "The message quotes the server.";
    ChunkSkipped "chunk-skipped" Error Notice
        "A chunk was not checksummed: its rows stayed locked, its statement kept failing, or it is larger than --chunk-size-limit allows."
        "Run again at a quieter time, raise --retries or --chunk-size-limit, or compare the table with vouch compare, which needs no such statement.";
    TableOversized "table-oversized" Error Notice
        "The table has no index that chunks could run along, and more rows than one chunk may have."
        "Compare it with vouch compare, give it a key, or raise --chunk-size-limit (0 takes it as one chunk, however large).";
    TableUnsafe "table-unsafe" Error Notice
        "The table was not checksummed, since the statement would fail on a replica and stop replication there: the table or columns are missing."
        "Bring the definitions together, or exclude the table with --ignore-tables.";
    ChecksumMissing "checksum-missing" Error Notice
        "The checksum of a chunk did not arrive on the replica, or the source's own values are missing beside it."
        "Look for a replication filter, for a run that was cut off, or for a replica that stopped. Run the checksum again.";
    ChecksumByRows "checksum-by-rows" Error Notice
        "A server between the source and this replica logs what it applies as rows, so this replica got a copy of that server's checksums and never computed its own."
        "Set binlog_format=STATEMENT on every server that others replicate from, or use vouch compare, which needs no binlog format.";
    SliceStale "slice-stale" Error Notice
        "A part of the table was never verified, or not within --max-age. No difference found is not the same as verified."
        "Look why the slices did not run (cron, timer, an error in the last run), and run vouch checksum --modulo more often.";
    StateFault "state-fault" Error Notice
        "The state of the run could not be written, so the run could not be resumed from here."
        "Look for a full disk under --state-dir.";

    TableTimeout "table-timeout" Error Notice
        "The table could not be looked at in time: it was locked, or reading it took longer than --table-timeout."
        "Look who locks it, or raise --table-timeout.";
    RestoreFailed "restore-failed" Error Notice
        "A step of the drill could not be done: the backup could not be read, copied or prepared, or no server starts on it."
        "The message quotes the program that failed. A backup that cannot be restored is none.";
    BackupRefused "backup-refused" Error Notice
        "The backup is of a kind that a drill cannot restore, or it names files outside itself. Nothing was checked."
        "The message says what stands in the way, and the hint what to do about it.";
    FileOutside "file-outside" Error Notice
        "The server that was started on the copy of the backup has a file open that lies outside the copy. The drill was ended at once."
        "The backup refers to files of another server, such as a table with DATA DIRECTORY. Back those files up, too.";
    DrillLeftover "drill-leftover" Notice Notice
        "An earlier drill was killed; its copy and its server were removed."
        "Nothing needs to be done.";
    LagAbort "lag-abort" Error Notice
        "The replica fell behind more than --max-lag allows, so the run was ended and the rest was not looked at."
        "A failover now would lose that much. Look at the replica's applier.";
    ServerMoved "server-moved" Error Notice
        "The server executed transactions while it was looked at, so what was read is not of one moment."
        "Stop replication at the manifest's position and keep writes out, then run again.";
    ObjectUnseen "object-unseen" Error Notice
        "The account may not see how a view, routine, trigger or event is defined."
        "Grant SHOW VIEW, TRIGGER, EVENT, and SHOW_ROUTINE (or SELECT on mysql.proc).";
    Unsigned "unsigned" Error Notice
        "There is no signature, or none that could be read. Nothing was looked at."
        "Name it with --signature. --allow-unsigned does without, and the result says so.";
    BadSignature "bad-signature" Error Notice
        "No key of the keyring made this signature of this manifest. Nothing was looked at."
        "The manifest or its signature was changed, or somebody else signed it. Do not use it.";
    KeyRefused "key-refused" Error Notice
        "The key that signed is revoked, expired, not yet valid, or not for this cluster. Nothing was looked at."
        "Have the manifest signed by a key that is valid, or correct the keyring.";
    KeyringRefused "keyring" Error Notice
        "The keyring cannot be read, or has no key. Nothing was looked at."
        "--trust takes a folder of public keys, a key, a file of allowed signers, or a keyring.toml.";
    ManifestMalformed "manifest-malformed" Error Notice
        "The file is no manifest, or it contradicts itself. Nothing was looked at."
        "The message says what is wrong and where; docs/formats/manifest-v2.md describes what is right.";
    ManifestFlat "manifest-flat" Error Notice
        "The file is a flat map of checksums. It has no serial, no cluster and no expiry, so an old one would pass as well. Nothing was checked."
        "Import it with `vouch manifest import` and sign the result, or pass --require any.";
    ManifestExpired "manifest-expired" Error Notice
        "The manifest is past its time. Nothing was looked at."
        "Use a newer backup and its manifest.";
    ManifestRollback "manifest-rollback" Error Notice
        "An older manifest than the last one that was accepted for this cluster. Nothing was looked at."
        "Use the newest one. To look at an older backup on purpose, say --allow-older.";
    ManifestCluster "manifest-cluster" Error Notice
        "The manifest is about another cluster. Nothing was looked at."
        "Use the manifest of this cluster, or correct --cluster.";
    TargetRefused "target-refused" Error Notice
        "The server is not the one that was meant, or not of the kind that the manifest can be held against. No table was looked at."
        "The message says what was expected and what was found.";
    PositionRefused "position-refused" Error Notice
        "The server is not at the position of the manifest, so its tables must differ. No table was looked at."
        "Stop replication at the manifest's position (START REPLICA UNTIL), or say --restored for a copy that takes no writes.";
    UsageRefused "usage" Error Notice
        "Arguments, configuration, account or password are wrong. Nothing was looked at."
        "The message names what is wrong.";

    FileUnreadable "file-unreadable" Error Notice
        "The file could not be read to its end."
        "The message quotes the system. Look at the permissions, then at the disk.";
    FileOpaque "file-opaque" Error Notice
        "The name or the first bytes of the file let expect a tablespace, a log or a backup that is packed, encrypted or renamed in a way that vouch does not read. Nothing in it was verified."
        "Unpack or decrypt it. If it is a tablespace under another name, pass its path by itself.";
    FuzzyCopy "fuzzy-copy" Error Notice
        "The files of a running server were copied one after the other, without the notes of a backup tool: an archive of them, or a directory with a page that is newer than the end of its redo log. Nothing shows that the log covers what changed meanwhile."
        "Take the backup with xtrabackup or mariabackup, or from a snapshot. Pass --state raw if an archive was made from an atomic snapshot.";
    FileElsewhere "file-elsewhere" Error Notice
        "The system tablespace or the redo log is not in the data directory. The server's settings may keep it in another folder (innodb_data_home_dir, innodb_log_group_home_dir); otherwise it is lost, and no server starts."
        "Name that folder as well: vouch pages DATADIR FOLDER. Where the settings name none, restore the directory from a backup.";
    ImageUnsupported "image-unsupported" Error Notice
        "A packed file or a file of a backup image could not be read: it is encrypted or packed in a way that vouch does not read, needs too much memory, or the image holds a link in its place."
        "Unpack it with the tool that wrote it, and verify what comes out: `zstd -dc --long=31 FILE | vouch pages -`. Nothing is known about it until then.";
    ImageTrailing "image-trailing" Error Notice
        "Bytes that belong to nothing follow the end of a packed file or a backup image."
        "Find out what wrote them: another backup may have been appended, or the file was written over a longer one. What was read in front of them was verified.";
    PageEncrypted "page-encrypted" Error Notice
        "The pages are encrypted and could not be looked into without the right key. What can be verified without one was: their numbers, and of MariaDB the checksum over what lies on disk."
        "Name the file of keys by --keyring; of MySQL the one of component_keyring_file, of MariaDB the one of file_key_management.";
    PageUnprotected "page-unprotected" Error Notice
        "The pages were written without a checksum, as with innodb_checksum_algorithm=none, so nothing shows whether their contents are right. Numbers of InnoDB's pages were looked at."
        "Set innodb_checksum_algorithm to crc32 or full_crc32 on the server; pages get a checksum when they are written next.";
    TreeUnjudged "tree-unjudged" Error Notice
        "Pages of an index contradict each other in a file of which nothing tells whether it was copied as of one moment."
        "Say --state clean if the file is of a server that was shut down, of a prepared backup or of an export; --state raw if it is to be recovered.";
    ZeroUnproven "zero-unproven" Error Notice
        "Pages are in use and all zero, or a whole file is, in a copy that is yet to be recovered or of which nothing tells whether it is. The redo log that may create them could not be read, so nothing shows whether they are lost."
        "Verify the files together with their redo log, with all of it; or prepare the backup and verify the result. Pass --state clean if the files are of a server that was shut down.";
    LogUnprotected "log-unprotected" Error Notice
        "Events of a binary log or a relay log, or blocks of a redo log, were written without checksums, so nothing shows whether their contents are right."
        "Set binlog_checksum=CRC32 on the server that writes them, and innodb_log_checksums=ON.";
    LogEncrypted "log-encrypted" Error Notice
        "A log is encrypted, so its blocks or events could not be verified."
        "Prepare the backup, or shut the server down, and verify the result: then the log is not needed. Of a binary log, verify it where the key is.";
    FileAbandoned "file-abandoned" Error Notice
        "The file had more bad pages than --max-bad-pages, so the rest of it was not looked at."
        "Leave the option out to look at all pages.";
    NothingFound "nothing-found" Error Notice
        "There was no file of InnoDB where it was asked for."
        "Name a data directory, a backup directory or a tablespace.";

    FilteredOut "filtered-out" Skip Notice
        "Left out by a filter option."
        "Change the filter to include it.";
    ColumnLeftOut "column-left-out" Skip Notice
        "The column exists on one side only, so its values could not be compared. --schema off does not report that as a finding."
        "Leave out --schema off to have such columns reported as findings.";
    HistoryLeftOut "history-left-out" Skip Notice
        "The table is system-versioned (MariaDB), and the history of its rows was not compared; its current rows were. The reason says why."
        "History by time is compared by vouch compare between servers that end it alike. History by transaction numbers cannot be: each server counts its own.";
    NotATable "not-a-table" Skip Notice
        "A view, a sequence or another object without rows of its own."
        "Nothing to do: the tables behind it are compared.";
    EngineUnsupported "engine-unsupported" Skip Notice
        "The storage engine keeps no rows that replicate (such as MEMORY, BLACKHOLE, FEDERATED or PERFORMANCE_SCHEMA)."
        "Name it with --engines to compare it all the same.";
    ReplicationFilterSkip "replication-filter-skip" Skip Notice
        "A replication filter keeps the table from this replica."
        "Expected when the filter is on purpose.";

    ChangedSince "changed-since" Skip Notice
        "The binlog has changes to the table after the manifest's position, and --static-only leaves such tables out."
        "Hold the server against the manifest at its position, or a copy restored from its backup, to have all tables looked at.";
    Volatile "volatile" Skip Notice
        "The manifest says that the table's rows change on purpose, so only its being there was looked at."
        "Nothing to do.";

    TemporaryFile "temporary-file" Skip Notice
        "A temporary tablespace: the server makes it anew when it starts."
        "Nothing to do.";
    NoChecksums "no-checksums" Skip Notice
        "The format of the file has no checksums that would show damage."
        "Check MyISAM tables with myisamchk or CHECK TABLE; keep digests of the other files.";
    NoPages "no-pages" Skip Notice
        "A file without pages: settings, notes or logs in text, of a server, a backup tool or a person."
        "Nothing to do. A manifest covers such files too: `vouch manifest create --backup DIR`.";
    UnknownFile "unknown-file" Skip Notice
        "A file of a kind that vouch does not know. Neither its name nor its first bytes are those of a tablespace, a log or a backup."
        "Find out what it is. A manifest covers such files too: `vouch manifest create --backup DIR`.";
    AppleDouble "apple-double" Skip Notice
        "A file that macOS writes beside another one when it copies to a foreign file system (AppleDouble). It holds attributes, and no pages."
        "Nothing to do. `dot_clean` or `find -name '._*' -delete` removes them from a copy.";
    SnapshotFolder "snapshot-folder" Skip Notice
        "A folder in which a file system or a storage system shows older states of the folder around it, such as .snapshot or .zfs."
        "Pass the path of one snapshot to have it verified.";
    ReachedAgain "reached-again" Skip Notice
        "The same file or folder was reached by another path, and is verified there."
        "Nothing to do.";
    FileVanished "file-vanished" Skip Notice
        "The file was removed while files were read, as a server removes logs that it needs no more."
        "Nothing to do. If it was needed, what needs it reports it as missing.";
    NotCovered "not-covered" Skip Notice
        "A file that vouch pages does not verify yet."
        "Nothing is known about it: verify it by other means.";

    UnsignedAllowed "unsigned-allowed" Notice Notice
        "The manifest was believed without a signature, because --allow-unsigned says so."
        "Sign manifests when backups are made: `vouch manifest sign`.";
    ManifestForgeable "manifest-forgeable" Notice Notice
        "The manifest's digests find accidents, not adversaries. row-sha256 combines rows by XOR or a sum and checksum-table has 32 bits: whoever can write to the copy can change rows and add others that restore the value."
        "Make manifests with `vouch manifest create` and its default method, row-sha256-tree.";
    KeyBeside "key-beside" Notice Notice
        "The keys that are trusted lie beside the manifest: who can change the one can change the other."
        "Keep the keyring where the backup job cannot write.";
    PositionUnknown "position-unknown" Notice Notice
        "The manifest has no position, so it was only looked that the server does not move meanwhile."
        "Manifests made by `vouch manifest create` have one.";
    DefinitionUnjudged "definition-unjudged" Notice Notice
        "Definitions of tables and objects are only held against each other within one flavor, and the manifest is of the other."
        "Compare them by hand before a failover between flavors.";
    EventState "event-state" Notice Notice
        "Whether the events of the databases run on this server: enabled, disabled, or disabled on replicas. It differs between a source and its replicas on purpose, so a manifest does not cover it."
        "Before clients use the server, enable the events that ran on the source (ALTER EVENT … ENABLE). On a copy beside the source, keep event_scheduler=OFF.";
    OlderAllowed "older-allowed" Notice Notice
        "The manifest was not held against the last serial that was accepted, because --allow-older says so."
        "Nothing to do when an older backup is looked at on purpose.";
    Resumed "resumed" Notice Notice
        "Results of an earlier run that was cut off were taken over: it was the same manifest, the same server, at the same position."
        "Nothing to do. Without --resume every table is read again.";
    ResumeRefused "resume-refused" Notice Notice
        "There was nothing to go on from, or it cannot be shown that nothing has changed since: every table is read."
        "Nothing to do. With a binlog, and on MySQL with gtid_mode=ON, a server can show it.";
    Requeued "requeued" Notice Notice
        "An applier waited for a table that was being read, so the reading was ended and begun again later."
        "Nothing to do.";

    IncrementalBackup "incremental-backup" Notice Notice
        "The backup is incremental: it has the pages that changed since the backup before. Each was verified by itself; whether indexes, extents and long values fit together shows only in the tablespaces that it is applied to."
        "Prepare the full backup with it and verify the result before it is restored.";
    RawState "raw-state" Notice Notice
        "The files are as of several moments, as those of a running server or of a backup before it is prepared. Pages are held against themselves, not against each other."
        "Prepare the backup, or shut the server down, to have links and levels verified as well.";
    FileOpen "file-open" Notice Notice
        "A server has the file open, as its locks or its open files tell. Nothing was locked to find out."
        "Nothing to do: pages that it writes are read again before they are accused. A snapshot or a backup can be verified more deeply.";
    FileUnwritten "file-unwritten" Notice Notice
        "The file is all zero in a copy that is yet to be recovered: its table was just made, and what is in it is in the redo log."
        "Nothing to do: recovery writes it.";
    LogTail "log-tail" Notice Notice
        "A log ends inside a block, a mini-transaction or an event, or has damage behind its end, as while a server writes or after a crash. What was complete before is verified."
        "Nothing to do: the server drops that part when it starts.";
    FormatGuessed "format-guessed" Notice Notice
        "The file's first page does not tell its format, so it was found out from the other pages."
        "Nothing to do: the first page is reported as a finding.";
    ReplicationFilter "replication-filter" Notice Notice
        "The replica has replication filters, so some tables may differ on purpose."
        "Exclude them with --ignore-databases or --ignore-tables, compare renamed databases with --map, or remove the filter.";
    ReplicationStopped "replication-stopped" Notice Notice
        "The replica's receiver or applier is not running."
        "Start replication, or the comparison waits until --wait-timeout.";
    ReplicaDelayed "replica-delayed" Notice Notice
        "The replica is delayed on purpose; each position is waited for."
        "Nothing to do; the run takes at least the delay longer.";
    CommitOrder "commit-order" Notice Notice
        "The replica's workers may commit in another order than the source (replica_preserve_commit_order=OFF, or optimistic parallel apply), so a position is only reached when all before it are."
        "Nothing to do: vouch waits for sets of transactions, not for single ones.";
    NoReplicaUpdates "no-replica-updates" Notice Notice
        "The replica does not write replicated changes to its own binary log, so replicas behind it cannot be compared through it."
        "Set log_replica_updates=ON on replicas that others replicate from.";
    MultiSource "multi-source" Notice Notice
        "The replica has several channels; only the one from this source is waited for."
        "Name it with --channel where the choice is not clear.";
    OtherChannels "other-channels" Notice Notice
        "The replica has transactions that this source never had, and other channels that they came over. They count neither as errant nor as missing on the source."
        "Nothing to do where that is on purpose. Rows that another source writes to the same tables are reported as differences.";
    CircularReplication "circular-replication" Notice Notice
        "The source replicates from the replica in turn. What the replica writes is waited for on the source before anything is called a difference."
        "On MariaDB give each server its own gtid_domain_id; with one domain nothing can be proven.";
    DomainLeftOut "domain-left-out" Notice Notice
        "Some replication domains of the source never reach the replica, because it ignores them or began after them, so they are not waited for (MariaDB)."
        "Rows that such a domain wrote are reported as differences. Exclude their tables with --ignore-tables where that is on purpose.";
    BinlogFilter "binlog-filter" Notice Notice
        "The source keeps databases out of its own binary log (binlog-do-db, binlog-ignore-db). They are not replicated, and the log proves nothing about them."
        "Exclude them with --ignore-databases where that is on purpose.";
    Cluster "cluster" Notice Notice
        "The server is a member of Group Replication or Galera, where positions mean less."
        "Findings are at best confirmed unless positions are plain.";
    NotReadOnly "not-read-only" Notice Notice
        "The replica accepts writes from clients (read_only=OFF)."
        "Set read_only (and super_read_only) on replicas.";
    HiddenAccepted "hidden-tables-accepted" Notice Notice
        "Tables may be hidden from the account by its privileges, and --accept-hidden-tables takes the result without them."
        "The verdict covers the tables that the account may see, and no others.";
    NoPositions "no-positions" Notice Notice
        "No replication position is available, so differences are re-checked in time and are at best confirmed."
        "Grant REPLICATION CLIENT (BINLOG MONITOR and SLAVE MONITOR on MariaDB), or turn on GTIDs.";
    ProofUnavailable "proof-unavailable" Notice Notice
        "Findings are confirmed, not proven: the account may not read the binary log."
        "Grant REPLICATION SLAVE and REPLICATION CLIENT (BINLOG MONITOR on MariaDB), or allow a lock of under a second with --proof lock.";
    LagUnknown "lag-unknown" Notice Notice
        "The account may not read the replication status, so lag is judged by how long positions take to arrive."
        "Grant REPLICATION CLIENT (SLAVE MONITOR on MariaDB).";
    NotAReplica "not-a-replica" Notice Notice
        "The server does not replicate from the source, as far as it shows."
        "If that is meant, say --no-replication.";
    TimeZoneDiffers "time-zone-differs" Notice Notice
        "The servers have different time zones or SQL modes. Rows are compared in UTC and are not affected."
        "Mind it before a failover.";
    VersionDiffers "version-differs" Notice Notice
        "Source and replica are of different flavors or series; some types are stored in other words."
        "Expect differences in JSON text and in server-side functions.";
    PlanFallback "plan-fallback" Notice Notice
        "The optimizer would not use the key for ranges, so the table was read as a whole."
        "Run ANALYZE TABLE, or name another index with --chunk-index.";
    Paced "paced" Notice Notice
        "Others use the source, so rows were read in a share of the time only."
        "Nothing to do. --busy-share sets the share; 100% reads at full speed.";
    ModuloChanged "modulo-changed" Notice Notice
        "The number of slices is another one than in the last run, so a new rotation begins at slice 0; what was verified keeps its age."
        "Nothing to do, if that is meant.";
    SliceRun "slice-run" Notice Notice
        "Only one slice of every table was checksummed; the others keep their earlier results."
        "vouch checksum status shows how much of each table is verified, and how long ago.";
    CaseFolded "case-folded" Notice Notice
        "lower_case_table_names differs between the source and the replica: one of them finds tables without regard to case. Tables whose names differ by case alone were compared with each other."
        "Mind it before a failover: names that applications use may not be found on the other server.";
    TableRestarted "table-restarted" Notice Notice
        "What was kept of the table does not hold any more: its key, a definition, a server or the set of replicas changed, or the state is damaged. The table is compared from the start."
        "Nothing has to be done. The message says what changed.";
    Retried "retried" Notice Notice
        "A connection was lost and made again; the chunk was read anew."
        "Nothing to do, unless it happens often.";

    Healthy "healthy" Reason Notice
        "All that is looked at is as it should be."
        "Nothing to do.";
    Starting "starting" Reason Notice
        "The probe has not looked at the node yet."
        "Wait for the first look; it takes at most --deadline.";
    FactsStale "facts-stale" Reason Notice
        "What the probe knows of the node is too old to answer from."
        "Look whether the probe itself is starved or stopped. HTTP answers 503 in the meantime.";
    Refused "refused" Reason Notice
        "The server refuses connections, or closed the one that was open."
        "Start the server, or look at its error log for why it went.";
    ConnectTimeout "connect-timeout" Reason Notice
        "Nothing answers at the server's address."
        "Look at the network and the firewall between the probe and the server.";
    HostUnknown "host-unknown" Reason Notice
        "The host name of the node does not resolve. That is the probe's fault, so the last verdict is held."
        "Correct the name or the resolver of the machine that probes.";
    HandshakeStalled "handshake-stalled" Reason Notice
        "The port takes connections and the server says nothing: it is frozen, overloaded or cut off behind a proxy."
        "Look at the server's machine: stopped process, full disk, exhausted memory.";
    HandshakeBroken "handshake-broken" Reason Notice
        "What answers at the server's address closes early or does not speak the protocol."
        "Check address and port, and what proxy stands in between.";
    QueryStalled "query-stalled" Reason Notice
        "A connection is open, and a question was not answered within the deadline."
        "Look at the server's load and disk. Raise --deadline if it is always slow.";
    ServerError "server-error" Reason Notice
        "The server answered a question of the probe with an error."
        "The text quotes the server.";
    AuthFailed "auth-failed" Reason Notice
        "The server refuses the probe's account. That is the monitor's fault, so the last verdict is held."
        "Correct user, password or host of the account; `vouch probe doctor` checks it.";
    HostBlocked "host-blocked" Reason Notice
        "The server has blocked the probe's host after connection errors (1129). The last verdict is held."
        "Run FLUSH HOSTS (TRUNCATE performance_schema.host_cache) and find out who broke off connections.";
    TooManyConnections "too-many-connections" Reason Notice
        "The server takes no more connections (1040). It is busy, not dead, so it is not failed over."
        "Name the admin port with --admin-port, and look for a leak of connections.";
    TlsFailed "tls-failed" Reason Notice
        "TLS could not be agreed on. That is the monitor's fault, so the last verdict is held."
        "Check ssl-mode and the certificates.";
    NoPrivilege "no-privilege" Reason Notice
        "The probe's account may not see the state of replication."
        "`vouch probe grants` prints what to grant.";
    Maintenance "maintenance" Reason Notice
        "An operator took the node out, by file, by API or by schedule."
        "Remove the file, end it by API, or wait for the end of the schedule.";
    OfflineMode "offline-mode" Reason Notice
        "The server is in offline mode and sends clients away."
        "Clear offline_mode when it may serve again.";
    ReadOnly "read-only" Reason Notice
        "The server does not accept writes."
        "Expected on replicas. On the source, clear read_only after a planned change.";
    IsReplica "is-replica" Reason Notice
        "The node replicates from another, so writes belong there."
        "Nothing to do.";
    LeftoverReplication "leftover-replication" Reason Notice
        "The node was promoted and takes writes, and still has the settings of the replica that it was."
        "Run RESET REPLICA ALL on it, so that a restart or a START REPLICA cannot make it a replica of the old source again.";
    SourceSpared "source-spared" Reason Notice
        "The source takes no reads, by --source-reads no."
        "Nothing to do.";
    Orphan "orphan" Reason Notice
        "The node is read only and replicates from nobody: its data stands still."
        "Point it at a source, or make it one.";
    IoStopped "io-stopped" Reason Notice
        "The receiver does not run, so nothing new arrives."
        "The text quotes the server's error. Mend it and start replication.";
    SqlStopped "sql-stopped" Reason Notice
        "The applier does not run, so the data stands still."
        "The text quotes the server's error. Mend the row it tripped over (`vouch compare` shows what differs) and start replication.";
    LagHigh "lag-high" Reason Notice
        "The replica is further behind than --max-lag."
        "It comes back by itself below --return-lag. Look at long transactions and missing keys.";
    Lagging "lagging" Reason Notice
        "The replica is behind, within the limit, so its weight is lowered."
        "Nothing to do, unless it stays.";
    ReplicaLagUnknown "replica-lag-unknown" Reason Notice
        "Both threads run and no figure of lag is to be had. The last verdict is held for --hold."
        "Write a heartbeat (`vouch probe heartbeat --update`), which does not depend on the server's own figure.";
    SourceUnreachable "source-unreachable" Reason Notice
        "The replica has lost its source and has applied all that it received. It keeps serving, since dropping all replicas would be a total outage."
        "Mend the source, or promote a replica. --max-stale bounds for how long it serves.";
    Stale "stale" Reason Notice
        "The replica lost its source longer ago than --max-stale allows."
        "Mend the source, or promote a replica.";
    CatchingUp "catching-up" Reason Notice
        "The node is back, or about to take over, and has not applied everything yet."
        "Wait: it is answered as ready when it has caught up.";
    Delayed "delayed" Reason Notice
        "The replica is delayed on purpose."
        "Say --delayed ok if it may serve all the same.";
    WrongSource "wrong-source" Reason Notice
        "The node replicates from a server that is not in the pool."
        "Point it at the pool's source, or add that server to the pool.";
    Ring "ring" Reason Notice
        "Nodes replicate in a ring and more than one takes writes."
        "Set read_only on all but one.";
    DuplicateServerId "duplicate-server-id" Reason Notice
        "Two nodes have the same server_id: replicas throw each other out."
        "Give each server its own server_id.";
    SplitBrain "split-brain" Reason Notice
        "More than one node takes writes. The one that had them keeps them; nothing flips."
        "Set read_only on the wrong one, and compare both with `vouch compare`.";
    NoSource "no-source" Reason Notice
        "No node of the pool takes writes."
        "Promote one, or clear read_only on the source.";
    Drift "drift" Reason Notice
        "A comparison found rows that differ from the source."
        "Mend them, and compare again. --on-drift drain takes the node out until then.";
    DiskFull "disk-full" Reason Notice
        "The server has no space left to write."
        "Free space; writes hang until then.";
    ClockSkew "clock-skew" Reason Notice
        "Clocks of source and replica are too far apart to tell lag from heartbeats."
        "Synchronise the clocks.";
    GroupMember "group-member" Reason Notice
        "The member of the replication group is not ONLINE."
        "Wait for recovery, or look at the member's error log.";
    GroupNoQuorum "group-no-quorum" Reason Notice
        "The replication group has lost its majority: it blocks writes."
        "Bring members back, or force the membership by hand.";
    GaleraState "galera-state" Reason Notice
        "The Galera node is not Synced."
        "Wait: a donor or joiner comes back by itself.";
    GaleraNotPrimary "galera-not-primary" Reason Notice
        "The Galera node is not in the primary component."
        "Bring the other nodes back, or bootstrap by hand.";
    SemiSyncBlocked "semi-sync-blocked" Reason Notice
        "Commits wait for a replica's acknowledgement that does not come."
        "Look at the replicas, or at the timeout of semi-synchronous replication.";
    RelayBacklog "relay-backlog" Reason Notice
        "The replica has received much that it has not applied."
        "Nothing to do, unless it grows.";
    PanicFloor "panic-floor" Reason Notice
        "Too few nodes would be left, so the best of the bad is kept in service."
        "Mend the readers: this is the last line before a total outage.";
    WarmingUp "warming-up" Reason Notice
        "The server has just started, so its weight is raised step by step."
        "Nothing to do. --warm-up sets how long.";
    UnreachableFromProbe "unreachable-from-probe" Reason Notice
        "The probe cannot reach the source, and replicas still receive from it: the way of the probe is cut, not the source."
        "Look at the network between the probe and the source. The last verdict is held for --hold.";
    Rising "rising" Reason Notice
        "The node looks well again; it has to do so several times before it serves."
        "Nothing to do. --rise and --dwell set how long.";
    Falling "falling" Reason Notice
        "The node looked bad, not yet often enough to be taken out."
        "Nothing to do. --fall sets how often.";
    PeerActive "peer-active" Reason Notice
        "The other server of the pair has the traffic."
        "Nothing to do.";
    PeerDown "peer-down" Reason Notice
        "The other server of the pair cannot serve."
        "Mend it: there is nothing to fail over to.";
    Handover "handover" Reason Notice
        "Traffic is being handed over: nobody gets new connections until all writes have arrived."
        "Wait; --handover sets how long at least.";
    PeerLost "peer-lost" Reason Notice
        "The other server is gone, and this one is not known to have everything that was written there."
        "Bring the other back and let this one catch up, or force it by hand if the loss is accepted.";
}
