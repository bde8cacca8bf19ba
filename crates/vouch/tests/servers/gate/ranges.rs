//! Manifest v2: keys of every type are cut and found again, changes name their range, and a forged copy is found out.

use super::kit::{Desk, statuses, table};
use super::portable::write;
use serde_json::Value;
use vouch_manifest::Sha256;
use vouch_testkit::{Server, Topology, numbers};

/// Keys of every type that can be one, with values that are odd as bounds.
const KEYS: &str = "
    CREATE DATABASE k; USE k;
    CREATE TABLE bigs (id BIGINT UNSIGNED PRIMARY KEY, v INT);
    INSERT INTO bigs VALUES (0,1),(9007199254740992,2),(9007199254740993,3),(9223372036854775807,4),
        (9223372036854775808,5),(18446744073709551614,6),(18446744073709551615,7);
    CREATE TABLE smalls (id TINYINT PRIMARY KEY, v INT ZEROFILL);
    INSERT INTO smalls VALUES (-128,1),(-1,2),(0,3),(1,4),(127,5);
    CREATE TABLE decimals (id DECIMAL(30,10) PRIMARY KEY);
    INSERT INTO decimals VALUES (-12345678901234567890.0000000001),(-0.5),(0),(0.0000000001),(12345678901234567890.5);
    CREATE TABLE reals (id DOUBLE PRIMARY KEY); INSERT INTO reals VALUES (-1e300),(-0.1),(0),(0.1),(1e-300),(1e300);
    CREATE TABLE floats (id FLOAT PRIMARY KEY); INSERT INTO floats VALUES (-0.1),(0.1),(0.2),(0.3),(16777217);
    CREATE TABLE dates (id DATE PRIMARY KEY);
    INSERT INTO dates VALUES ('0000-00-00'),('1000-01-01'),('2024-02-29'),('2024-03-00'),('9999-12-31');
    CREATE TABLE stamps (id DATETIME(6) PRIMARY KEY, t TIMESTAMP(3) NULL);
    INSERT INTO stamps VALUES ('2024-01-01 00:00:00',NULL),('2024-01-01 00:00:00.000001','2024-01-01 00:00:00.1'),
        ('2024-01-01 00:00:00.5',NULL),('2024-01-01 00:00:01',NULL),('0000-00-00 00:00:00',NULL);
    CREATE TABLE times (id TIME(3) PRIMARY KEY);
    INSERT INTO times VALUES ('-838:59:59'),('-00:00:00.001'),('00:00:00'),('00:00:00.001'),('838:59:59');
    CREATE TABLE years (id YEAR PRIMARY KEY); INSERT INTO years VALUES (0),(1901),(1970),(2024),(2155);
    CREATE TABLE binaries (id VARBINARY(20) PRIMARY KEY);
    INSERT INTO binaries VALUES (''),(0x00),(0x0000),(0x41),(0x7C),(0xFF),(0xFF00);
    CREATE TABLE texts (id VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY);
    INSERT INTO texts VALUES (''),('a'),('B'),('c'),('Ä2'),('ß'),('|'),('é1'),('Z');
    CREATE TABLE latins (id CHAR(6) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY);
    INSERT INTO latins VALUES ('Köln'),('kolm'),('Zz'),('ü'),('x  ');
    CREATE TABLE longs (id VARCHAR(700) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY) ROW_FORMAT=DYNAMIC;
    INSERT INTO longs VALUES (REPEAT('x',700)),(REPEAT('x',699)),('y'),('A');
    CREATE TABLE pairs (a INT, b VARCHAR(8), c DATE, v TEXT, PRIMARY KEY (a, b, c)) CHARACTER SET latin1;
    INSERT INTO pairs VALUES (1,'a','2020-01-01','x'),(1,'a','2020-01-02','x'),(1,'b','2020-01-01',NULL),
        (2,'','2020-01-01',''),(2,'a','2020-01-01','y'),(3,'a','2020-01-01','z'),(3,'A1','2020-01-01','z');
    CREATE TABLE downs (a INT, b INT, PRIMARY KEY (a DESC, b)); INSERT INTO downs VALUES (1,1),(1,2),(2,1),(2,2),(3,0);
    CREATE TABLE enums (id ENUM('z','a','m') PRIMARY KEY, v INT); INSERT INTO enums VALUES ('z',1),('a',2),('m',3);
    CREATE TABLE sets (a SET('x','y'), b INT, PRIMARY KEY (b, a)); INSERT INTO sets VALUES ('x',1),('y',1),('x,y',1),('',2);
    CREATE TABLE bits (id BIT(10) PRIMARY KEY); INSERT INTO bits VALUES (1),(2),(512),(1023);
    CREATE TABLE uniques (a INT NOT NULL, b INT, UNIQUE KEY (a)); INSERT INTO uniques VALUES (3,1),(1,2),(2,3),(9,9);
    CREATE TABLE prefixed (t VARCHAR(50) NOT NULL, PRIMARY KEY (t(3))); INSERT INTO prefixed VALUES ('abc1'),('abd2');
    CREATE TABLE nullable (a INT, UNIQUE KEY (a)); INSERT INTO nullable VALUES (1),(NULL),(NULL),(2);
    CREATE TABLE computed (a INT, v INT AS (a * 2) VIRTUAL, s INT AS (a + 1) STORED, id INT PRIMARY KEY);
    INSERT INTO computed (id, a) VALUES (1, 1), (2, NULL), (3, 3);
    CREATE TABLE nothing (id INT PRIMARY KEY)";

/// Tables whose rows are digested as a multiset.
const UNORDERED: [&str; 2] = ["nullable", "prefixed"];
/// Tables that have one range: their keys begin with a type that is compared by number.
const UNCUT: [&str; 2] = ["bits", "enums"];

/// Keys, a table of many rows, and one that is to be forged.
pub fn fill(server: &Server) {
    server.sql(&format!("SET sql_mode = '', NAMES utf8mb4; {KEYS}")).unwrap();
    let (many, few) = (numbers(1_000), numbers(u64::from(FORGED)));
    server
        .sql(&format!(
            "CREATE DATABASE m; USE m; CREATE TABLE many (id INT PRIMARY KEY, v INT NOT NULL, s VARCHAR(20));
             INSERT INTO many SELECT n, n * 7, CONCAT('row ', n) FROM {many};
             CREATE VIEW seen AS SELECT id FROM many; CREATE TABLE plan (id INT PRIMARY KEY);
             CREATE TABLE forged (id INT PRIMARY KEY, v BIGINT NOT NULL, s VARCHAR(20) NOT NULL);
             INSERT INTO forged SELECT n, n * 100, 'a' FROM {few}"
        ))
        .unwrap();
}

fn tables(document: &Value) -> &Vec<Value> {
    document["tables"].as_array().unwrap()
}

/// Each flavor cuts every key as the other does, and finds the rows of each range of the other's manifest again.
pub fn keys_of_every_type(desk: &Desk, servers: &[Topology; 2]) {
    let names = ["k-mysql.json", "k-mariadb.json"];
    for (topology, name) in servers.iter().zip(names) {
        let args = ["--serial", "3", "--tables", "k.*", "--range-rows", "2"];
        desk.create(name, topology.source(), &args).assert_code(0);
    }
    let [mysql, mariadb] = names.map(|name| desk.manifest(name));
    for (one, other) in tables(&mysql).iter().zip(tables(&mariadb)) {
        for field in ["name", "digest", "rows", "columns", "virtual_columns", "key", "ranges"] {
            assert_eq!(one[field], other[field], "{field} of {}", one["name"]);
        }
        let (name, rows) = (one["name"].as_str().unwrap(), one["rows"].as_u64().unwrap());
        let ranges = one["ranges"].as_array().map_or(0, Vec::len);
        let expected = match name {
            name if UNORDERED.contains(&name) => 0,
            name if UNCUT.contains(&name) => 1,
            _ => usize::try_from(rows / 2).unwrap() + 1,
        };
        assert_eq!(ranges, expected, "{one}");
    }
    let computed = tables(&mysql).iter().find(|table| table["name"] == "computed").unwrap();
    assert_eq!(computed["virtual_columns"], serde_json::json!(["v"]), "{computed}");
    for (topology, name) in servers.iter().zip(["k-mariadb.json", "k-mysql.json"]) {
        let outcome = desk.validate(name, topology.source(), &["--restored", "--allow-older"]).assert_code(0);
        assert!(statuses(&outcome).split(' ').all(|table| table.ends_with("=VALID")), "{}", statuses(&outcome));
    }
}

/// One row changed, gone or new, anywhere: a mismatch whose reason names the range.
pub fn changes_are_named(desk: &Desk, server: &Server) {
    let create = ["--serial", "4", "--tables", "m.many", "--range-rows", "50"];
    desk.create("many.json", server, &create).assert_code(0);
    let args = ["--restored", "--allow-older", "--extra", "ignore"];
    desk.validate("many.json", server, &args).assert_code(0);
    for (change, back, range) in [
        (
            "UPDATE m.many SET v = v + 1 WHERE id = 1",
            "UPDATE m.many SET v = v - 1 WHERE id = 1",
            "rows up to 50 (50 rows)",
        ),
        (
            "UPDATE m.many SET s = NULL WHERE id = 51",
            "UPDATE m.many SET s = 'row 51' WHERE id = 51",
            "rows after 50 up to 100 (50 rows)",
        ),
        (
            "DELETE FROM m.many WHERE id = 100",
            "INSERT INTO m.many VALUES (100, 700, 'row 100')",
            "rows after 50 up to 100 (49 rows, and should have 50)",
        ),
        (
            "UPDATE m.many SET id = 2000 WHERE id = 777",
            "UPDATE m.many SET id = 777 WHERE id = 2000",
            "rows after 750 up to 800 (49 rows, and should have 50); rows after 1000 (1 rows, and should have 0)",
        ),
        (
            "INSERT INTO m.many VALUES (0, 0, '')",
            "DELETE FROM m.many WHERE id = 0",
            "rows up to 50 (51 rows, and should have 50)",
        ),
        (
            "UPDATE m.many SET s = 'Row 1000' WHERE id = 1000",
            "UPDATE m.many SET s = 'row 1000' WHERE id = 1000",
            "rows after 950 up to 1000 (50 rows)",
        ),
    ] {
        write(server, change);
        let outcome = desk.validate("many.json", server, &args).assert_code(1);
        let reason = table(&outcome, "m.many")["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains(range), "{change}: {reason}");
        write(server, back);
    }
    // Columns that differ are named, and no range is read.
    write(server, "ALTER TABLE m.many ADD COLUMN more INT");
    let outcome = desk.validate("many.json", server, &args).assert_code(1);
    let reason = table(&outcome, "m.many")["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("a column `more` that the manifest does not have"), "{reason}");
    write(server, "ALTER TABLE m.many DROP COLUMN more");
    desk.validate("many.json", server, &args).assert_code(0);
}

/// Rows of the table that is forged.
const FORGED: u32 = 330;

type Hash = [u8; 32];
/// Which rows a vector was made of.
type Mix = [u64; 6];

fn hash(id: u32, v: u64, s: &str) -> Hash {
    Sha256::of(format!("{id}|{v}|{s}").as_bytes())
}

fn xor(a: Hash, b: Hash) -> Hash {
    std::array::from_fn(|at| a[at] ^ b[at])
}

fn leading_bit(vector: &Hash) -> Option<usize> {
    (0..256).find(|bit| vector[bit / 8] >> (7 - bit % 8) & 1 == 1)
}

/// Rows among 2… whose text becomes `b` so that the XOR of all digests is what it was before row 1 changed.
fn solve() -> Vec<u32> {
    let mut basis: Vec<Option<(Hash, Mix)>> = vec![None; 256];
    let reduce = |basis: &[Option<(Hash, Mix)>], mut vector: Hash, mut mix: Mix| {
        while let Some(bit) = leading_bit(&vector) {
            let Some((known, known_mix)) = &basis[bit] else { return (vector, mix, Some(bit)) };
            vector = xor(vector, *known);
            mix.iter_mut().zip(known_mix).for_each(|(a, b)| *a ^= b);
        }
        (vector, mix, None)
    };
    for id in 2..=FORGED {
        let mut mix = Mix::default();
        mix[usize::try_from(id / 64).unwrap()] |= 1 << (id % 64);
        let v = u64::from(id) * 100;
        let (vector, mix, bit) = reduce(&basis, xor(hash(id, v, "a"), hash(id, v, "b")), mix);
        if let Some(bit) = bit {
            basis[bit] = Some((vector, mix));
        }
    }
    let target = xor(hash(1, 100, "a"), hash(1, 1_000_000, "a"));
    let (rest, mix, _) = reduce(&basis, target, Mix::default());
    assert_eq!(rest, [0; 32], "330 rows span all 256 bits");
    (2..=FORGED).filter(|id| mix[usize::try_from(id / 64).unwrap()] >> (id % 64) & 1 == 1).collect()
}

/// Row 1 of a copy was changed, and about 130 other rows were chosen by linear algebra so that the XOR of all
/// digests stayed the same. The gate said VALID and let a forged copy take over production.
pub fn forged_copies(desk: &Desk, server: &Server) {
    for (name, method) in [("forged-1.json", "row-sha256"), ("forged-2.json", "row-sha256-tree")] {
        let args = ["--serial", "5", "--tables", "m.forged", "--range-rows", "100", "--method", method];
        desk.create(name, server, &args).assert_code(0);
    }
    let rows = solve();
    let ids: Vec<String> = rows.iter().map(u32::to_string).collect();
    write(server, &format!("UPDATE m.forged SET s = 'b' WHERE id IN ({})", ids.join(",")));
    write(server, "UPDATE m.forged SET v = 1000000 WHERE id = 1");
    let args = ["--restored", "--allow-older", "--extra", "ignore"];
    let passed = desk.validate("forged-1.json", server, &args).assert_code(0);
    let notice = passed.only("manifest-forgeable")["message"].as_str().unwrap_or_default().to_owned();
    assert!(notice.contains("accidents, not adversaries"), "{notice}");
    let found = desk.validate("forged-2.json", server, &args).assert_code(1);
    let reason = found.only("table-mismatch")["message"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("ranges: rows up to 100 (100 rows)"), "{reason}");
    // With row 1 alone changed, version 1 sees it as well.
    write(server, "UPDATE m.forged SET s = 'a'");
    desk.validate("forged-1.json", server, &args).assert_code(1);
    let found = desk.validate("forged-2.json", server, &args).assert_code(1);
    let reason = found.only("table-mismatch")["message"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("1 of 4 ranges: rows up to 100 (100 rows)"), "{reason}");
}
