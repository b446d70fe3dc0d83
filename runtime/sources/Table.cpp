// Rows of a .csv or .tsv file with a header line, or objects of a .jsonl file. Each input takes a
// column (or as many columns as a row of it has elements); each sequence record takes a column of
// text:
//   data = table(s = words("text"), label = category("label"), x = number("height", "weight"))
// An input without an argument takes the column of its own name, or name.0, name.1, ...
#include "runtime/Error.h"
#include "runtime/File.h"
#include "runtime/Source.h"
#include "runtime/Tokenizer.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

using namespace frit;
using Json = nlohmann::json;

namespace {

/// Cells as text, with the place each row came from.
struct Cells {
  std::string file;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> lines;

  int64_t column(const std::string &name) const {
    auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? -1 : found - names.begin();
  }
  int64_t need(const std::string &name) const {
    int64_t index = column(name);
    if (index < 0)
      fail("'{}' has no column '{}'; it has {}", file, name, fmt::join(names, ", "));
    return index;
  }
};

/// Reads one record of separated values; quotes hold separators, line ends and doubled quotes.
bool readRecord(std::string_view text, size_t &at, char separator, int64_t &line,
                const std::string &file, std::vector<std::string> &cells) {
  cells.clear();
  if (at >= text.size())
    return false;
  cells.emplace_back();
  bool quoted = false, quotes = separator == ',';
  int64_t begun = line;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '\n')
      ++line;
    if (quoted) {
      if (c != '"')
        cells.back() += c;
      else if (at + 1 < text.size() && text[at + 1] == '"')
        cells.back() += text[++at];
      else
        quoted = false;
    } else if (quotes && c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == separator) {
      cells.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r' || (at + 1 < text.size() && text[at + 1] != '\n')) {
      cells.back() += c;
    }
  }
  if (quoted)
    fail("{}:{}: a quote is not closed", file, begun);
  return true;
}

Cells readSeparated(const std::string &name, char separator) {
  MappedFile file(name);
  Cells cells;
  cells.file = name;
  size_t at = 0;
  int64_t line = 1;
  if (!readRecord(file.text(), at, separator, line, name, cells.names))
    fail("'{}' is empty; a table begins with a line of column names", name);
  std::vector<std::string> row;
  for (int64_t begin = line; readRecord(file.text(), at, separator, line, name, row);
       begin = line) {
    if (row.size() == 1 && row[0].empty())
      continue;
    if (row.size() != cells.names.size())
      fail("{}:{}: {} columns, expected {} as in the header", name, begin, row.size(),
           cells.names.size());
    cells.rows.push_back(row);
    cells.lines.push_back(begin);
  }
  return cells;
}

Cells readObjects(const std::string &name) {
  MappedFile file(name);
  Cells cells;
  cells.file = name;
  std::string_view rest = file.text();
  for (int64_t line = 1; !rest.empty(); ++line) {
    size_t end = rest.find('\n');
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (text.find_first_not_of(" \t\r") == text.npos)
      continue;
    Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object())
      fail("{}:{}: not a JSON object", name, line);
    if (cells.names.empty())
      for (auto &[key, value] : object.items())
        cells.names.push_back(key);
    std::vector<std::string> row;
    for (const std::string &key : cells.names) {
      if (!object.contains(key))
        fail("{}:{}: '{}' is missing; the first line has it", name, line, key);
      const Json &value = object[key];
      row.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    cells.rows.push_back(std::move(row));
    cells.lines.push_back(line);
  }
  return cells;
}

Cells readCells(const std::vector<std::string> &files) {
  if (files.size() != 1)
    fail("a table is one file, not {}", files.size());
  const std::string &name = files[0];
  if (name.ends_with(".jsonl"))
    return readObjects(name);
  return readSeparated(name, name.ends_with(".tsv") ? '\t' : ',');
}

/// f("a", "b") in the program: {"function": "f", "arguments": ["a", "b"]}.
struct Call {
  std::string function;
  std::vector<std::string> columns;
};

Call readCall(const Json &arguments, const std::string &name) {
  if (!arguments.contains(name))
    return {"", {}};
  const Json &json = arguments[name];
  try {
    if (json.is_string())
      return {"", {json.get<std::string>()}};
    if (json.is_array())
      return {"", json.get<std::vector<std::string>>()};
    return {json.at("function"), json.at("arguments").get<std::vector<std::string>>()};
  } catch (const Json::exception &) {
    fail("table: '{}' cannot be {}; write number(\"NAME\", ..) or category(\"NAME\")", name,
         json.dump());
  }
}

/// An input of numbers or categories, read into memory.
struct Numbers {
  std::vector<double> values; // rows x width
  int64_t width = 1;
};

struct Text {
  std::vector<std::vector<int32_t>> tokens;
  std::unique_ptr<Tokenizer> tokenizer;
};

class Table : public Source {
public:
  explicit Table(const SourceRequest &request) : request(request) {
    std::vector<Cells> tables;
    tables.push_back(readCells(request.files));
    if (!request.validation.empty())
      tables.push_back(readCells(request.validation));
    splitRows(tables);

    std::vector<std::string> provided;
    for (auto &[name, record] : request.info.record) {
      if (record != "sequence")
        continue;
      for (const char *field : sequenceFieldNames)
        provided.push_back(name + "." + field);
      readText(name, tables);
    }
    for (const Entry *entry : request.entries)
      for (const Field &input : entry ? entry->inputs : std::vector<Field>()) {
        if (input.name == "$rows" || numbers.count(input.name) ||
            std::find(provided.begin(), provided.end(), input.name) != provided.end())
          continue;
        readNumbers(input, tables);
      }
    for (auto &[name, column] : numbers)
      provided.push_back(name);
    checkProvided(request, provided, "it has columns and sequences");
    for (size_t part = 0; part < 2; ++part)
      bind(part);
  }

  int64_t examples(Part part) const override { return int64_t(parts[size_t(part)].size()); }

  void provide(Part part, int64_t example, int64_t row, uint8_t *arena) const override {
    size_t index = parts[size_t(part)][size_t(example)];
    for (const Bound &bound : bounds[size_t(part)]) {
      const double *values = bound.numbers->values.data() + int64_t(index) * bound.numbers->width;
      uint8_t *target = rowOf(*bound.field, row, arena);
      for (int64_t i = 0; i < bound.numbers->width; ++i)
        store(bound.field->element, values[i], target, i);
    }
    for (auto &[fields, text] : sequences[size_t(part)]) {
      const std::vector<int32_t> &tokens = text->tokens[index];
      int64_t bad =
          fields.write(tokens.data(), int64_t(tokens.size()), int64_t(index), row, 0, arena);
      (void)bad; // without a vocabulary to check there is none: texts were checked when read
    }
  }

  Json remember() const override {
    Json saved = {{"categories", categories}, {"texts", Json::object()}};
    for (auto &[name, text] : texts)
      saved["texts"][name] = text.tokenizer->remember();
    return saved;
  }

private:
  struct Bound {
    const Field *field;
    const Numbers *numbers;
  };

  static void store(Element element, double value, uint8_t *target, int64_t index) {
    switch (element) {
    case Element::F32:
      reinterpret_cast<float *>(target)[index] = float(value);
      return;
    case Element::F64:
      reinterpret_cast<double *>(target)[index] = value;
      return;
    case Element::I32:
      reinterpret_cast<int32_t *>(target)[index] = int32_t(value);
      return;
    case Element::I1:
      target[index] = value != 0;
      return;
    default:
      bug("tables do not fill inputs of type {}", nameOf(element));
    }
  }

  /// Rows of all tables are numbered one after the other.
  void splitRows(const std::vector<Cells> &tables) {
    size_t count = tables[0].rows.size();
    auto range = [](size_t begin, size_t end) {
      std::vector<uint32_t> rows;
      for (size_t row = begin; row < end; ++row)
        rows.push_back(uint32_t(row));
      return rows;
    };
    if (request.allHeldOut)
      parts[1] = range(0, count);
    else if (tables.size() == 2)
      parts = {range(0, count), range(count, count + tables[1].rows.size())};
    else
      parts = splitExamples(int64_t(count), request.fraction);
    if (request.entries[0] && !request.allHeldOut && parts[0].empty())
      fail("'{}' has no rows to train on: {} rows, {} held out", tables[0].file, count,
           parts[1].size());
  }

  void readText(const std::string &name, const std::vector<Cells> &tables) {
    Call call = readCall(request.info.arguments, name);
    if (call.columns.size() > 1)
      fail("table: sequence '{}' takes one column of text, not {}", name, call.columns.size());
    std::string column = call.columns.empty() ? name : call.columns[0];
    std::string kind =
        !call.function.empty() ? call.function : request.info.arguments.value("tokenizer", "bytes");
    Json saved;
    if (request.saved.is_object())
      saved = request.saved.at("texts").at(name);
    Text text;
    text.tokenizer = makeTokenizer(kind, saved);
    std::string all;
    int64_t index = tables[0].need(column);
    for (auto &row : tables[0].rows)
      all += row[size_t(index)] + "\n";
    int64_t limit = vocabularyOf(name);
    text.tokenizer->learn(all, limit);
    if (limit && text.tokenizer->size() > limit)
      fail("table: {} of column '{}' have {} tokens, the program's vocabulary has {}", kind, column,
           text.tokenizer->size(), limit);
    for (const Cells &cells : tables) {
      index = cells.need(column);
      for (size_t row = 0; row < cells.rows.size(); ++row) {
        std::vector<int32_t> tokens;
        text.tokenizer->encode(cells.rows[row][size_t(index)],
                               fmt::format("{}:{}", cells.file, cells.lines[row]), tokens);
        if (text.tokenizer->end() >= 0)
          tokens.push_back(text.tokenizer->end());
        for (int32_t token : tokens)
          if (limit && token >= limit)
            fail("{}:{}: token {}, but the program's vocabulary has {}", cells.file,
                 cells.lines[row], token, limit);
        text.tokens.push_back(std::move(tokens));
      }
    }
    texts.emplace(name, std::move(text));
  }

  int64_t vocabularyOf(const std::string &sequence) const {
    for (const Entry *entry : request.entries)
      if (const Field *ids = entry ? entry->input(sequence + ".ids") : nullptr; ids && ids->limit)
        return ids->limit;
    return request.vocabulary;
  }

  void readNumbers(const Field &input, const std::vector<Cells> &tables) {
    Numbers column;
    column.width = input.count() / rowsOf(input);
    Call call = readCall(request.info.arguments, input.name);
    if (!call.function.empty() && call.function != "category" && call.function != "number")
      fail("table: '{}' cannot be {}(...); an input that is no sequence takes number(\"NAME\") or "
           "category(\"NAME\")",
           input.name, call.function);
    if (call.columns.empty())
      call.columns = columnsNamed(tables[0], input.name, column.width);
    if (int64_t(call.columns.size()) != column.width)
      fail("table: '{}' has {} elements a row, but {} columns are given ({})", input.name,
           column.width, call.columns.size(), fmt::join(call.columns, ", "));
    bool isCategory = call.function == "category";
    if (isCategory)
      learnCategories(input, tables[0], call.columns);
    for (const Cells &cells : tables) {
      std::vector<int64_t> indices;
      for (const std::string &name : call.columns)
        indices.push_back(cells.need(name));
      for (size_t row = 0; row < cells.rows.size(); ++row)
        for (int64_t index : indices) {
          std::string origin = fmt::format("{}:{}: column '{}'", cells.file, cells.lines[row],
                                           cells.names[size_t(index)]);
          const std::string &cell = cells.rows[row][size_t(index)];
          column.values.push_back(isCategory ? category(input, cell, origin)
                                             : number(input, cell, origin));
        }
    }
    numbers.emplace(input.name, std::move(column));
  }

  static std::vector<std::string> columnsNamed(const Cells &cells, const std::string &name,
                                               int64_t width) {
    if (width == 1 && (cells.column(name) >= 0 || cells.column(name + ".0") < 0))
      return {name};
    for (const char *between : {".", "", "_"}) {
      if (cells.column(fmt::format("{}{}0", name, between)) < 0)
        continue;
      std::vector<std::string> columns;
      for (int64_t i = 0; i < width; ++i)
        columns.push_back(fmt::format("{}{}{}", name, between, i));
      return columns;
    }
    fail("'{}' has no columns for '{}', which takes {}: name them {}.0 to {}.{}, or write {} = "
         "number(\"FIRST\", ...); the columns are {}",
         cells.file, name, width, name, name, width - 1, name, fmt::join(cells.names, ", "));
  }

  void learnCategories(const Field &input, const Cells &cells,
                       const std::vector<std::string> &columns) {
    std::vector<std::string> &names = categories[input.name];
    if (request.saved.is_object()) {
      names = request.saved.at("categories").at(input.name).get<std::vector<std::string>>();
      return;
    }
    std::set<std::string> distinct;
    for (const std::string &column : columns)
      for (auto &row : cells.rows)
        distinct.insert(row[size_t(cells.need(column))]);
    if (input.limit && int64_t(distinct.size()) > input.limit)
      fail("'{}': column '{}' has {} categories, '{}' takes at most {}", cells.file, columns[0],
           distinct.size(), input.name, input.limit);
    names.assign(distinct.begin(), distinct.end());
  }

  double category(const Field &input, const std::string &cell, const std::string &origin) const {
    const std::vector<std::string> &names = categories.at(input.name);
    auto found = std::lower_bound(names.begin(), names.end(), cell);
    if (found == names.end() || *found != cell)
      fail("{}: '{}' is not one of the {} categories seen in training", origin, cell, names.size());
    return double(found - names.begin());
  }

  static double number(const Field &input, const std::string &cell, const std::string &origin) {
    if (input.element == Element::I1 && (cell == "true" || cell == "false"))
      return cell == "true";
    double value = 0;
    const char *begin = cell.data(), *end = begin + cell.size();
    while (begin < end && *begin == ' ')
      ++begin;
    while (begin < end && end[-1] == ' ')
      --end;
    auto [rest, error] = std::from_chars(begin + (begin < end && *begin == '+'), end, value);
    if (error != std::errc() || rest != end)
      fail("{}: '{}' is not a number; category(\"NAME\") takes words", origin, cell);
    if (input.element != Element::I32)
      return value;
    if (!(std::abs(value) <= 2147483647.0) || value != std::floor(value))
      fail("{}: {} is not a whole number of 32 bits", origin, cell);
    if (input.limit && (value < 0 || value >= double(input.limit)))
      fail("{}: {} is not between 0 and {}", origin, cell, input.limit - 1);
    return value;
  }

  void bind(size_t part) {
    const Entry *entry = request.entries[part];
    if (!entry)
      return;
    for (const Field &input : entry->inputs)
      if (auto found = numbers.find(input.name); found != numbers.end()) {
        if (input.count() / rowsOf(input) != found->second.width)
          fail("'{}' has shape {} in {}, other entries take {} elements a row", input.name,
               text(input.shape), entry->name, found->second.width);
        bounds[part].push_back({&input, &found->second});
      }
    for (auto &[name, text] : texts)
      sequences[part].emplace_back(SequenceFields(*entry, name), &text);
  }

  const SourceRequest request;
  std::array<std::vector<uint32_t>, 2> parts;
  std::map<std::string, Numbers> numbers;
  std::map<std::string, Text> texts;
  std::map<std::string, std::vector<std::string>> categories;
  std::array<std::vector<Bound>, 2> bounds;
  std::array<std::vector<std::pair<SequenceFields, const Text *>>, 2> sequences;
};

} // namespace

std::unique_ptr<Source> frit::makeTable(const SourceRequest &request) {
  return std::make_unique<Table>(request);
}
