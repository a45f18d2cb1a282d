//! `trellis import`: what it prints, and how its exit code tells the outcome.

use std::fs;
use std::path::Path;

use super::binary::{Serving, run, trellis};

const MAPPING: &str = r#"
[partners]
file = "partners.csv"

[partners.fields]
external_id = "id"
display_name = "name"
partner_type = { column = "type", map = { R = "RESELLER", D = "DISTRIBUTOR" } }
"#;

fn import(folder: &Path, server: &Serving, further: &[&str]) -> (i32, String, String) {
    let server = server.address.to_string();
    let usual = [
        "import",
        "--ecosystem",
        "acme",
        "--mapping",
        "mapping.toml",
        "--server",
        &server,
    ];
    run(&mut trellis(folder, &[&usual, further].concat()))
}

/// A folder with a mapping and some partners.
fn folder(partners: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mapping.toml"), MAPPING).unwrap();
    fs::create_dir(folder.path().join("crm")).unwrap();
    fs::write(folder.path().join("crm/partners.csv"), partners).unwrap();
    folder
}

#[test]
fn an_import_whose_rows_are_all_in_ends_with_0() {
    let folder = folder("id,name,type\n1,Nimbus,R\n2,Cumulus,D\n");
    let server = Serving::start(folder.path(), &[]);
    let further = ["--create-ecosystem", "crm"];
    let (code, answer, told) = import(folder.path(), &server, &further);
    assert_eq!(code, 0, "{told}");
    assert!(
        answer.contains("partners             2          2          0          0          0"),
        "{answer}"
    );
    assert_eq!(told, "partners: 2 rows\n");

    let (code, answer, _) = import(folder.path(), &server, &["--format", "json", "crm"]);
    assert_eq!(code, 0);
    let report: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(report["kinds"][0]["unchanged"], 2);
}

#[test]
fn an_import_that_rejects_rows_ends_with_1_and_leaves_them_where_it_says() {
    let folder = folder("id,name,type\n1,Nimbus,R\n2,Cumulus,X\n");
    let server = Serving::start(folder.path(), &[]);
    let further = ["--create-ecosystem", "crm"];
    let (code, answer, told) = import(folder.path(), &server, &further);
    assert_eq!(code, 1, "{told}");
    assert!(
        answer.contains("1 rejected partner: trellis-rejects/partners.rejected.csv"),
        "{answer}"
    );
    let rejects = folder.path().join("trellis-rejects/partners.rejected.csv");
    assert_eq!(
        fs::read_to_string(&rejects).unwrap(),
        "trellis_line,trellis_reason,id,name,type\n\
         3,\"partner_type: \"\"X\"\" is not in the map, which knows \"\"D\"\", \"\"R\"\" (column \
         `type`)\",2,Cumulus,X\n"
    );
    fs::write(&rejects, "id,name,type\n2,Cumulus,D\n").unwrap();
    let (code, answer, _) = import(folder.path(), &server, &["trellis-rejects"]);
    assert_eq!(code, 0, "{answer}");
    assert!(!rejects.exists());
}

#[test]
fn an_import_that_cannot_run_ends_with_2_and_says_why() {
    let folder = folder("id,name\n1,Nimbus\n");
    let server = Serving::start(folder.path(), &[]);
    let cases: [(&[&str], &str); 4] = [
        (&["crm"], "crm/partners.csv: there is no column `type`"),
        (
            &["--only", "deals", "crm"],
            "the mapping says nothing of deals",
        ),
        (&["--only", "leads", "crm"], "invalid value 'leads'"),
        (&[], "required arguments"),
    ];
    for (further, why) in cases {
        let (code, answer, told) = import(folder.path(), &server, further);
        assert_eq!((code, answer.as_str()), (2, ""), "{told}");
        assert!(told.contains(why), "{told}");
    }
    fs::write(folder.path().join("crm/partners.csv"), "id,name,type\n").unwrap();
    let (code, _, told) = import(folder.path(), &server, &["crm"]);
    assert_eq!(code, 2);
    assert!(told.contains("ecosystems/acme does not exist"), "{told}");
}
