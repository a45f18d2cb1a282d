.DEFAULT_GOAL := help
.PHONY: help run test endurance lint fuzz bench bench-matching bench-incentives bench-trail docs

help: ## Says what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1|\2/' | column -t -s '|'

run: ## Builds and starts the server, lives through a demo ecosystem, and keeps serving
	cargo run --locked --bin trellis -- demo --reflection

test: ## Brings what is missing and runs every check and test, on SQLite and PostgreSQL
	@scripts/test

endurance: ## Measures for longer what a busy machine would disturb: overload, leaks in lists and in time
	@scripts/endurance

lint: ## Checks the form of Rust and protos, and that the contract breaks no client
	@scripts/lint

fuzz: ## Feeds what strangers send with made-up inputs; FUZZ_SECONDS and FUZZ_TARGET say more
	@scripts/fuzz

bench: ## Measures the release build beside bare SQL, on SQLite and PostgreSQL
	@scripts/bench

bench-matching: ## Measures how well and how fast companies are recognised, against what is asked of it
	@scripts/bench-matching

bench-incentives: ## Measures compiled plans beside a bare loop and SQL, and the server from facts to awards
	@scripts/bench-incentives

bench-trail: ## Measures what the change feed and the audit trail cost a write, beside a build without them
	@scripts/bench-trail

docs: ## Builds the documentation of the code into target/doc
	cargo doc --workspace --no-deps --locked
