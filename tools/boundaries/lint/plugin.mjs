// Rules of this repository that no published lint plugin carries. oxlint loads this file through `jsPlugins`
// in .oxlintrc.json; tools/boundaries/test proves that each rule fires and what it leaves alone.

// A statement is recognised by its verb and the word that SQL puts behind it, in one case: so prose such as
// "Update the recording" or "Select a state from the list" stays free.
const SQL =
  /^\s*(?:(?:SELECT|INSERT INTO|DELETE FROM|TRUNCATE|EXPLAIN|VACUUM|LISTEN|NOTIFY)(?=\s|$)|select\s[^]*\sfrom\s|select (?:1|pg_)|insert\s+into\s|delete\s+from\s|UPDATE\s+\S+\s+SET\s|update\s+\S+\s+set\s|(?:CREATE|ALTER|DROP)\s+(?:UNIQUE\s+|OR\s+REPLACE\s+)?(?:TABLE|INDEX|DATABASE|SCHEMA|ROLE|USER|VIEW|MATERIALIZED|FUNCTION|TRIGGER|TYPE|EXTENSION|SEQUENCE)\s|(?:create|alter|drop)\s+(?:unique\s+|or\s+replace\s+)?(?:table|index|database|schema|role|view|materialized|function|trigger|extension|sequence)\s|WITH\s+(?:RECURSIVE\s+)?\w+\s+AS\s*\(|with\s+(?:recursive\s+)?\w+\s+as\s*\()/u;

const noSql = {
  meta: {
    type: "problem",
    docs: { description: "SQL belongs to packages/catalogue alone" },
    schema: [],
  },
  create(context) {
    const check = (node, text) => {
      if (SQL.test(text)) {
        context.report({
          node,
          message: "SQL lives in packages/catalogue alone: give the catalogue a function for this.",
        });
      }
    };
    return {
      Literal(node) {
        if (typeof node.value === "string") check(node, node.value);
      },
      TemplateLiteral(node) {
        check(node, node.quasis.map((quasi) => quasi.value.cooked ?? quasi.value.raw).join("$1"));
      },
    };
  },
};

export default { meta: { name: "reelgate" }, rules: { "no-sql": noSql } };
