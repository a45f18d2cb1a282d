use proptest::prelude::*;

use super::fields::LineFields;
use super::reader::Reader;
use super::row::{Header, Reason, Row};
use super::*;

const SHIPPED: &str = include_str!("../../../../../examples/crm_sales.toml");

fn parse(text: &str) -> Result<Mapping, String> {
    Mapping::parse(text, &mut |lookup, _| {
        let Lookup {
            file, key, value, ..
        } = lookup;
        match file.as_str() {
            "gone.csv" => Err(format!("{file}: not found")),
            _ => Ok(HashMap::from([(format!("{key}-1"), format!("{value}-1"))])),
        }
    })
}

/// A mapping of partners with this rule for the region code.
fn region(rule: &str) -> String {
    format!(
        "[maps.countries]\nGermany = 'DE'\nAustria = 'AT'\n[lookups.seats]\nfile = 'seats.csv'\n\
         key = 'seat'\nvalue = 'code'\n[partners]\nfile = 'p.csv'\n[partners.fields]\n\
         external_id = 'id'\ndisplay_name = 'name'\npartner_type = {{ constant = 'RESELLER' }}\n\
         region_code = {rule}"
    )
}

fn region_of(rule: &str, cells: [&str; 4]) -> Result<Option<String>, String> {
    let mapping = parse(&region(rule)).unwrap();
    let partners = mapping.partners.unwrap();
    let names = ["id", "name", "country", "kind"].map(str::to_owned);
    let (header, cells) = (Header::new(names.to_vec()), cells.map(str::to_owned));
    let row = Row::new(&header, &cells, &[]);
    partners.fields.region_code.unwrap().read(&row)
}

#[test]
fn the_shipped_mapping_is_right() {
    let mapping = parse(SHIPPED).unwrap();
    let deals = mapping.deals.unwrap();
    assert_eq!(deals.file, "sales_pipeline.csv");
    assert_eq!(
        deals.lookups.iter().collect::<Vec<_>>(),
        ["sales_teams.csv"]
    );
    assert!(deals.columns.contains("opportunity_id"));
    assert!(mapping.territories.unwrap().distinct);
}

#[test]
fn an_unknown_key_is_named_together_with_those_that_may_stand_there() {
    let cases = [
        ("[format]\ncolour = 'red'", "colour", "delimiter"),
        ("[customers]\nfile = 'x'", "customers", "accounts"),
        ("[deals]\nfile = 'x'\nsheet = 1", "sheet", "distinct"),
        (
            "[partners.fields]\nnickname = 'x'",
            "nickname",
            "channel_manager",
        ),
        (
            "[products.fields]\nlist_price = { colum = 'x' }",
            "colum",
            "currency_column",
        ),
        ("[lookups.a]\nfile = 'x'\nkeys = 'x'", "keys", "value"),
    ];
    for (text, unknown, allowed) in cases {
        let wrong = parse(text).unwrap_err();
        assert!(wrong.contains(&format!("`{unknown}`")), "{wrong}");
        assert!(wrong.contains(&format!("`{allowed}`")), "{wrong}");
        assert!(wrong.contains("line"), "{wrong}");
    }
}

#[test]
fn keys_of_another_type_of_field_are_unknown() {
    let wrong = parse(&region("{ column = 'country', currency = 'USD' }")).unwrap_err();
    let expected = "unknown key `currency`, expected one of `column`, `constant`, `template`, \
                    `replace`, `map`, `default`, `when`";
    assert!(wrong.contains(expected), "{wrong}");
    assert!(wrong.contains("line 14"), "{wrong}");
}

#[test]
fn a_field_that_every_resource_needs_must_be_mapped() {
    let wrong = parse("[partners]\nfile = 'x'\n[partners.fields]\nexternal_id = 'id'").unwrap_err();
    assert!(wrong.contains("missing field `display_name`"), "{wrong}");
}

#[test]
fn a_mapping_without_any_kind_is_refused() {
    assert!(parse("").unwrap_err().contains("[territories]"));
}

#[test]
fn a_rule_has_exactly_one_source() {
    for rule in [
        "{}",
        "{ map = 'countries' }",
        "{ column = 'a', constant = 'DE' }",
    ] {
        let wrong = parse(&region(rule)).unwrap_err();
        assert!(wrong.contains("exactly one of"), "{wrong}");
    }
    let wrong = parse(&region("{ constant = 'DE', default = 'AT' }")).unwrap_err();
    assert!(wrong.contains("as it stands"), "{wrong}");
    let wrong = parse(&region("5")).unwrap_err();
    assert!(wrong.contains("name of a column"), "{wrong}");
}

#[test]
fn what_the_mapping_itself_gives_is_checked_at_once() {
    let text = "
        [partners]
        file = 'p.csv'
        [partners.fields]
        external_id = 'id'
        display_name = 'name'
        partner_type = { constant = 'FRIEND' }
        [accounts]
        file = 'a.csv'
        [accounts.fields]
        external_id = 'id'
        display_name = 'name'
        region_code = { column = 'country', map = 'lands' }
        annual_revenue = 'revenue'
        founded_year = { column = 'year', default = 'unknown' }
        [deals]
        file = 'd.csv'
        [deals.fields]
        external_id = 'id'
        display_name = 'id'
        stage = { column = 'stage', map = { Won = 'WIN', Lost = 'LOST' } }
    ";
    let wrong = parse(text).unwrap_err();
    let lines: Vec<_> = wrong.lines().collect();
    assert_eq!(lines.len(), 5, "{wrong}");
    for (line, (path, problem)) in lines.iter().zip([
        (
            "partners.fields.partner_type: ",
            "\"FRIEND\" is none of RESELLER",
        ),
        ("accounts.fields.region_code: ", "no table `lands`"),
        ("accounts.fields.annual_revenue: ", "needs a currency"),
        (
            "accounts.fields.founded_year: ",
            "\"unknown\" is not a number",
        ),
        ("deals.fields.stage: ", "\"WIN\" is none of PROSPECT"),
    ]) {
        assert!(line.starts_with(path) && line.contains(problem), "{line}");
    }
}

#[test]
fn a_table_of_words_has_one_meaning() {
    let text = region("'country'").replace("[lookups.seats]", "[lookups.countries]");
    assert!(
        parse(&text)
            .unwrap_err()
            .contains("both under [maps] and under [lookups]")
    );
    let text = region("'country'").replace("seats.csv", "gone.csv");
    assert!(
        parse(&text)
            .unwrap_err()
            .contains("lookups.seats: gone.csv: not found")
    );
}

#[test]
fn a_text_is_the_name_of_a_column() {
    let rule = "'country'";
    assert_eq!(
        region_of(rule, ["1", "", " DE ", ""]),
        Ok(Some("DE".to_owned()))
    );
    assert_eq!(region_of(rule, ["1", "", "  ", ""]), Ok(None));
}

#[test]
fn a_map_knows_every_word_and_a_replacement_only_some() {
    let map = "{ column = 'country', map = 'countries' }";
    assert_eq!(
        region_of(map, ["", "", "Austria", ""]),
        Ok(Some("AT".to_owned()))
    );
    assert_eq!(
        region_of(map, ["", "", "Austra", ""]),
        Err(
            "\"Austra\" is not in the map, which knows \"Austria\", \"Germany\" (column `country`)"
                .to_owned()
        )
    );
    let replace = "{ column = 'country', replace = { Austra = 'Austria' } }";
    assert_eq!(
        region_of(replace, ["", "", "Austra", ""]),
        Ok(Some("Austria".to_owned()))
    );
    assert_eq!(
        region_of(replace, ["", "", "Germany", ""]),
        Ok(Some("Germany".to_owned()))
    );
    let both = "{ column = 'country', replace = { Austra = 'Austria' }, map = 'countries' }";
    assert_eq!(
        region_of(both, ["", "", "Austra", ""]),
        Ok(Some("AT".to_owned()))
    );
}

#[test]
fn a_default_counts_where_there_is_nothing() {
    let rule = "{ column = 'country', map = { Germany = 'DE', none = '' }, default = 'AT' }";
    assert_eq!(region_of(rule, ["", "", "", ""]), Ok(Some("AT".to_owned())));
    assert_eq!(
        region_of(rule, ["", "", "none", ""]),
        Ok(Some("AT".to_owned()))
    );
    assert_eq!(
        region_of(rule, ["", "", "Germany", ""]),
        Ok(Some("DE".to_owned()))
    );
}

#[test]
fn a_rule_counts_only_when_it_is_said_to() {
    let rule = "{ column = 'country', when = { kind = ['a', 'b'], name = 'x' } }";
    assert_eq!(
        region_of(rule, ["", "x", "DE", "b"]),
        Ok(Some("DE".to_owned()))
    );
    assert_eq!(region_of(rule, ["", "x", "DE", "c"]), Ok(None));
    assert_eq!(region_of(rule, ["", "y", "DE", "a"]), Ok(None));
    let constant = "{ constant = 'DE', when = { kind = 'a' } }";
    assert_eq!(
        region_of(constant, ["", "", "", "a"]),
        Ok(Some("DE".to_owned()))
    );
    assert_eq!(region_of(constant, ["", "", "", ""]), Ok(None));
}

#[test]
fn words_may_be_looked_up_in_another_file() {
    let rule = "{ column = 'kind', map = 'seats' }";
    assert_eq!(
        region_of(rule, ["", "", "", "seat-1"]),
        Ok(Some("code-1".to_owned()))
    );
    assert_eq!(
        region_of(rule, ["", "", "", "seat-2"]),
        Err("\"seat-2\" is not in the file that it is looked up in (column `kind`)".to_owned())
    );
}

#[test]
fn the_words_of_a_list_are_mapped_one_by_one() {
    let text = "
        [territories]
        file = 't.csv'
        [territories.fields]
        external_id = 'id'
        display_name = 'id'
        [territories.fields.region_codes]
        column = 'countries'
        separator = ','
        map = { Germany = 'DE', Austria = 'AT', all = '' }
    ";
    let fields = parse(text).unwrap().territories.unwrap().fields;
    let header = Header::new(vec!["id".to_owned(), "countries".to_owned()]);
    let read = |cell: &str| {
        let cells = ["1".to_owned(), cell.to_owned()];
        let row = Row::new(&header, &cells, &[]);
        fields.region_codes.as_ref().unwrap().read(&row)
    };
    let both = vec!["DE".to_owned(), "AT".to_owned()];
    assert_eq!(read("Germany, Austria,,Germany"), Ok(Some(both)));
    assert_eq!(read("all"), Ok(None));
    assert!(
        read("Germany,Austra")
            .unwrap_err()
            .contains("\"Austra\" is not in the map")
    );
}

#[test]
fn texts_that_mean_nothing_are_nothing() {
    let header = Header::new(vec!["id".to_owned()]);
    let (cells, empty) = ([" N/A ".to_owned()], ["N/A".to_owned()]);
    assert_eq!(Row::new(&header, &cells, &empty).cell("id"), "");
    assert_eq!(Row::new(&header, &cells, &[]).cell("id"), "N/A");
    assert_eq!(Row::new(&header, &cells, &[]).cell("gone"), "");
}

#[test]
fn everything_that_is_wrong_with_a_row_is_told_at_once() {
    let mapping = parse(SHIPPED).unwrap();
    let header = [
        "opportunity_id",
        "sales_agent",
        "deal_stage",
        "engage_date",
        "close_value",
    ];
    let header = Header::new(header.map(str::to_owned).to_vec());
    let cells = ["", "sales_agent-1", "Winning", "31-02-2017", "1.234"].map(str::to_owned);
    let row = Row::new(&header, &cells, &[]);
    let mut reader = Reader::new(&row);
    let fields = mapping.deals.unwrap().fields;
    let _ = reader.required("external_id", &fields.external_id);
    let _ = reader.required("stage", &fields.stage);
    let _ = reader.optional("engage_date", fields.engage_date.as_ref());
    let _ = reader.optional("amount", fields.amount.as_ref());
    let territory = reader.optional("territory", fields.territory.as_ref());
    assert_eq!(territory.as_deref(), Some("regional_office-1"));
    let reasons: Vec<_> = reader.finish().iter().map(Reason::to_string).collect();
    assert_eq!(
        reasons,
        [
            "external_id: is required and empty (column `opportunity_id`)",
            "stage: \"Winning\" is not in the map, which knows \"Engaging\", \"Lost\", \
             \"Prospecting\", \"Won\" (column `deal_stage`)",
            "engage_date: \"31-02-2017\" is not a day written as %d-%m-%Y (column `engage_date`)",
            "amount: \"1.234\" is finer than USD is counted, which is to 2 decimals (column \
             `close_value`)",
        ]
    );
}

#[test]
fn the_manual_knows_every_field_and_every_key() {
    let manual = include_str!("../../../../../docs/import.md");
    let fields = [
        fields::TerritoryFields::NAMES,
        ProductFields::NAMES,
        PartnerFields::NAMES,
        AccountFields::NAMES,
        DealFields::NAMES,
        LineFields::NAMES,
    ];
    let keys = [
        "file",
        "distinct",
        "when",
        "format",
        "fields",
        "column",
        "constant",
        "template",
        "replace",
        "map",
        "default",
        "delimiter",
        "encoding",
        "empty",
        "date",
        "currency",
        "decimal",
        "grouping",
        "strip",
        "currency_column",
        "scale",
        "round",
        "separator",
        "key",
        "value",
    ];
    for name in fields.into_iter().flatten().chain(&keys) {
        assert!(
            manual.contains(&format!("`{name}`")),
            "docs/import.md does not know `{name}`"
        );
    }
}

#[test]
fn the_mappings_in_the_manual_are_right() {
    let manual = include_str!("../../../../../docs/import.md");
    let blocks = manual.split("```toml\n").skip(1);
    let mut whole = 0;
    for block in blocks {
        let block = block.split("```").next().unwrap();
        // A whole mapping names its files; the others are parts that belong into one.
        if block.contains("file = ") {
            parse(block).unwrap_or_else(|wrong| panic!("{block}\n{wrong}"));
            whole += 1;
        }
    }
    assert!(whole > 0);
}

proptest! {
    #[test]
    fn no_cell_makes_reading_panic(cells in prop::collection::vec(".{0,20}", 0..8)) {
        let mapping = parse(SHIPPED).unwrap();
        let header = [
            "opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date",
            "close_date", "close_value",
        ];
        let header = Header::new(header.map(str::to_owned).to_vec());
        let row = Row::new(&header, &cells, &[]);
        let mut reader = Reader::new(&row);
        let fields = mapping.deals.unwrap().fields;
        let _ = reader.required("stage", &fields.stage);
        let _ = reader.optional("close_date", fields.close_date.as_ref());
        let _ = reader.optional("amount", fields.amount.as_ref());
        let _ = reader.required("display_name", &fields.display_name);
        for reason in reader.finish() {
            prop_assert!(!reason.description.is_empty());
        }
    }

    #[test]
    fn no_mapping_makes_reading_panic(key in "[a-z_]{1,12}", value in ".{0,12}") {
        let value = toml::Value::String(value);
        let _ = parse(&format!("[format]\n{key} = {value}"));
        let _ = parse(&region(&format!("{{ {key} = {value} }}")));
        let _ = parse(&region(&value.to_string()));
    }
}
