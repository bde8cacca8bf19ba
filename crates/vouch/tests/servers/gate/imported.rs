//! Manifests made of what other tools wrote, held against a real server.

use super::kit::{Desk, checksum, statuses, table};
use crate::harness::Vouch;
use serde_json::json;
use vouch_testkit::Server;

/// Imports a file of the desk, and signs what comes of it.
fn import(desk: &Desk, file: &str, args: &[&str]) {
    let (file, out, key) = (desk.text(file), desk.text("m.json"), desk.text("key"));
    let fixed = ["manifest", "import", &file, "--cluster", "prod", "--out", &out, "--key", &key, "--quiet"];
    Vouch::new(&[&fixed[..], args].concat()).run().assert_code(0);
    Vouch::new(&["manifest", "lint", &out]).run().assert_code(0);
}

/// A flat map, mydumper's metadata and MySQL Shell's numbers of rows: what is true is valid, and what is not is named.
pub fn manifests_of_other_tools(server: &Server) {
    let desk = Desk::new();
    let (users, orders) = (checksum(server, "app.users"), checksum(server, "app.orders"));
    let odd = checksum(server, "app.`x``y.z`");
    let validate = |args: &[&str]| desk.validate("m.json", server, &[&["--allow-older"], args].concat());
    desk.write("flat.json", json!({ "app.users": users, "app.orders": orders }).to_string().as_bytes());
    import(&desk, "flat.json", &[]);
    assert_eq!(statuses(&validate(&[]).assert_code(0)), "app.orders=VALID app.users=VALID");
    let metadata = |sum: &str| {
        format!(
            "# Started dump at: 2025-03-01 12:00:00\n[config]\nquote-character = BACKTICK\n\n[`app`.`users`]\n\
             real_table_name=users\nrows = 2000\ndata_checksum = {sum}\n\n[`app`.`mydumper_0`]\n\
             real_table_name=x``y.z\nrows = 1\ndata_checksum = {odd}\n\n[`app`.`orders`]\nreal_table_name=orders\nrows = 2000\n"
        )
    };
    desk.write("metadata", metadata(&users).as_bytes());
    import(&desk, "metadata", &["--count-rows"]);
    let valid = "app.orders=VALID app.users=VALID app.x`y.z=VALID";
    assert_eq!(statuses(&validate(&["--extra", "ignore"]).assert_code(0)), valid);
    desk.write("metadata", metadata(if users == "1" { "2" } else { "1" }).as_bytes());
    import(&desk, "metadata", &[]);
    let found = validate(&["--extra", "ignore"]).assert_code(1);
    assert_eq!(statuses(&found), "app.users=MISMATCH app.x`y.z=VALID");
    numbers_of_rows(&desk, server);
}

fn numbers_of_rows(desk: &Desk, server: &Server) {
    let chunks = |first: u64| {
        json!({ "columns": ["id"], "partitions": { "": {
            "0": { "checksum": "AA", "count": first, "boundary": "id < 9" }, "1": { "checksum": "BB", "count": 1990 } } } })
    };
    let checksums = json!({
        "config": { "version": "1.0.0", "algorithm": "bit_xor", "hash": "sha256" },
        "data": { "app": { "users": chunks(10), "orders": chunks(11) } }
    });
    desk.write("@.checksums.json", checksums.to_string().as_bytes());
    import(desk, "@.checksums.json", &[]);
    let found = desk.validate("m.json", server, &["--allow-older", "--extra", "ignore"]).assert_code(1);
    assert_eq!(statuses(&found), "app.orders=MISMATCH app.users=VALID");
    let orders = table(&found, "app.orders");
    assert_eq!(orders["reason"], "it has 2000 rows, and should have 2001");
    assert_eq!((orders["method"].as_str(), orders["actual"].as_str()), (Some("row-count"), Some("2000")));
}
