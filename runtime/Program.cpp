// The command line of a built program.
#include "runtime/Program.h"
#include "runtime/Commands.h"
#include "runtime/Error.h"
#include "runtime/Level.h"
#include "runtime/Nearest.h"
#include "runtime/Signals.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

using namespace frit;

namespace {

/// The options of all commands and the parser that fills them.
struct CommandLine {
  CommandLine(const std::string &name, const Description &description);

  CLI::App app;
  CLI::App *train, *evaluate, *sample, *info, *bench;
  TrainOptions trainOptions;
  EvaluateOptions evaluateOptions;
  SampleOptions sampleOptions;
  InfoOptions infoOptions;
  BenchOptions benchOptions;

private:
  void addTrain(const std::string &name, const Description &description);
  void addEvaluate(const std::string &name);
  void addSample(const std::string &name);
  void addInfo();
  void addBench();
  void addRunData(const Turn &turn);
};

std::string sourceHelp(const Turn &turn) {
  std::string help;
#define FRIT_SOURCE(id, factory, record, files, arguments)                                         \
  if (turn.data && turn.data->source == #id)                                                       \
    help = files;
#include "runtime/Sources.def"
#undef FRIT_SOURCE
  return help;
}

std::string dataHelp(const Description &description) {
  std::vector<std::string> all;
  for (const Turn &turn : description.turns) {
    std::string what = sourceHelp(turn);
    if (!what.empty() && std::find(all.begin(), all.end(), what) == all.end())
      all.push_back(what);
  }
  return all.empty() ? "what to read" : fmt::format("{}", fmt::join(all, "; or "));
}

} // namespace

/// How a command is typed: "./gpt train", or "frit train gpt.frit" where frit runs the program for
/// the user and says so in its first argument ("frit gpt.frit").
static std::string typed(const std::string &name, const char *command) {
  std::string file = name.rfind("frit ", 0) == 0 ? " " + name.substr(5) : "";
  return fmt::format("{} {}{}", file.empty() ? name : "frit", command, file);
}

CommandLine::CommandLine(const std::string &name, const Description &description)
    : app(fmt::format("{}: a program compiled from {}.frit.", name, description.program),
          name.rfind("frit ", 0) == 0 ? "frit" : name) {
  app.require_subcommand(1);
  app.footer(fmt::format("Each command explains itself: {} --help", typed(name, "train")));
  addTrain(name, description);
  addEvaluate(name);
  addSample(name);
  addInfo();
  addBench();
  for (CLI::App *command : {train, evaluate, sample, info, bench})
    command->allow_extras(); // reported by us, with the nearest name
  if (description.takesData()) {
    std::string help = dataHelp(description);
    for (CLI::App *command : {train, evaluate, bench})
      command->get_option("--data")->description(help);
  }
  if (description.turns.size() > 1)
    for (const Turn &turn : description.turns)
      if (turn.data)
        addRunData(turn);
}

/// --data speaks to all runs, --masked-data to one.
void CommandLine::addRunData(const Turn &turn) {
  std::string name = turn.name;
  std::replace(name.begin(), name.end(), '.', '-');
  for (auto [command, data] :
       {std::pair(train, &trainOptions.data), std::pair(evaluate, &evaluateOptions.data),
        std::pair(bench, &benchOptions.data)})
    command
        ->add_option("--" + name + "-data", data->runs[turn.name].files,
                     fmt::format("of run {}: {}", turn.name, sourceHelp(turn)))
        ->type_name("FILE");
  train
      ->add_option("--" + name + "-validation", trainOptions.data.runs[turn.name].validation,
                   fmt::format("held-out data of run {}", turn.name))
      ->type_name("FRACTION|FILE");
}

void CommandLine::addTrain(const std::string &name, const Description &description) {
  TrainOptions &o = trainOptions;
  train = app.add_subcommand("train", "train the model, or go on with --resume");
  train->add_option("--data", o.data.files)->type_name("FILE");
  train
      ->add_option("--validation", o.data.validation,
                   "held-out data: a fraction of --data, or files of its own")
      ->type_name("FRACTION|FILE");
  train->add_option("--steps", o.steps, "train up to this step")->type_name("N");
  train->add_option("--out", o.out, "directory of checkpoints and metrics.jsonl")
      ->type_name("DIR")
      ->capture_default_str();
  train->add_flag("--resume", o.resume, "go on from the newest checkpoint in --out, bit for bit");
  train->add_flag("--overwrite", o.overwrite, "throw away the run that is in --out");
  train->add_option("--weights", o.weights, "begin with the parameters of a .safetensors file")
      ->type_name("FILE");
  train->add_option("--threads", o.threads, "default: one per core")->type_name("N");
  train->add_option("--seed", o.seed, "of initial weights, data order and dropout")->type_name("N");
  std::string evaluation = "evaluate each N steps, not only at the end";
  if (auto every = description.training.evaluateEvery)
    evaluation = fmt::format("evaluate each N steps; default {}; 0: at the end only", *every);
  train->add_option("--eval-every", o.evaluateEvery, evaluation)->type_name("N");
  train->add_option("--save-every", o.saveEvery, "checkpoint each N steps")->type_name("N");
  train->add_option("--log-every", o.logEvery, "print each N steps; default: about once a second")
      ->type_name("N");
  train->add_flag("--check-finite", o.checkFinite, "stop (exit 3) when loss or gradient is nan");
  train->add_flag("--quiet", o.quiet, "print only the last line");
  for (const ModelFile &load : description.load) {
    std::string flag = "--" + load.model;
    if (train->get_option_no_throw(flag)) // an option of ours has that name
      flag = "--load-" + load.model;
    o.models[load.model].flag = flag;
    train
        ->add_option_function<std::string>(
            flag,
            [&o, model = load.model](const std::string &file) { o.models[model].file = file; },
            fmt::format("a new run's weights of {}: a .safetensors file or a run; default {}",
                        load.model, load.file))
        ->type_name("FILE");
  }
  for (const Scalar &scalar : description.scalars) {
    if (scalar.flag.empty() || scalar.name == "seed" || scalar.name == "step" ||
        scalar.name == "steps")
      continue;
    std::string flag = "--" + scalar.flag;
    if (train->get_option_no_throw(flag)) // an option of ours has that name
      flag = "--hyper-" + scalar.flag;
    std::string help = fmt::format("{}; {}", scalar.help.empty() ? scalar.name : scalar.help,
                                   fmt::format("default {:g}", scalar.value));
    train
        ->add_option_function<double>(
            flag, [&o, name = scalar.name](const double &value) { o.scalars[name] = value; }, help)
        ->type_name(scalar.element == Element::I32 ? "N" : "X");
  }
  train->footer(fmt::format("Examples:\n"
                            "  {0} --data corpus.txt --steps 2000\n"
                            "  {0} --resume            (after Ctrl-C, a crash, a power cut)\n"
                            "  {0} --resume --steps 4000",
                            typed(name, "train")));
}

void CommandLine::addEvaluate(const std::string &name) {
  EvaluateOptions &o = evaluateOptions;
  evaluate = app.add_subcommand("eval", "the program's reports over held-out or other data");
  evaluate->add_option("--from", o.from, "directory of a run, or one of its checkpoints")
      ->type_name("DIR")
      ->capture_default_str();
  evaluate->add_option("--data", o.data.files)->type_name("FILE");
  evaluate->add_option("--threads", o.threads, "default: one per core")->type_name("N");
  evaluate->add_flag("--json", o.json, "print one JSON object");
  evaluate->footer(fmt::format("Without --data: the part of the training data that was held out.\n"
                               "Another file is evaluated whole: {} --data other.txt",
                               typed(name, "eval")));
}

void CommandLine::addSample(const std::string &name) {
  SampleOptions &o = sampleOptions;
  sample = app.add_subcommand("sample", "text from a trained model");
  sample->add_option("--from", o.from, "directory of a run, or one of its checkpoints")
      ->type_name("DIR")
      ->capture_default_str();
  sample->add_option("--prompt", o.prompt, "what the model goes on from")->type_name("TEXT");
  sample->add_option("--tokens", o.tokens, "how many")->type_name("N")->capture_default_str();
  sample->add_option("--temperature", o.temperature, "0: always the most likely token")
      ->type_name("X")
      ->capture_default_str();
  sample->add_option("--top-k", o.topK, "choose among the N most likely; 0: all")->type_name("N");
  sample->add_option("--top-p", o.topP, "choose among the likeliest that make up this probability")
      ->type_name("X");
  sample->add_option("--seed", o.seed, "another seed, another text")
      ->type_name("N")
      ->capture_default_str();
  sample->add_option("--threads", o.threads, "default: one per core")->type_name("N");
  sample->footer(fmt::format("Example: {} --prompt \"In the\" --temperature 0.8 --top-k 40",
                             typed(name, "sample")));
}

void CommandLine::addInfo() {
  info = app.add_subcommand("info", "the program: parameters, memory, entries, scalars");
  info->add_option("--from", infoOptions.from, "a run or checkpoint to describe instead")
      ->type_name("DIR");
}

void CommandLine::addBench() {
  BenchOptions &o = benchOptions;
  bench = app.add_subcommand("bench", "time training steps");
  bench->add_option("--data", o.data.files)->type_name("FILE");
  bench->add_option("--steps", o.steps, "how many are timed")
      ->type_name("N")
      ->capture_default_str();
  bench->add_option("--threads", o.threads, "default: one per core")->type_name("N");
  bench->add_flag("--json", o.json, "print one JSON object");
}

/// Fails on the first argument that `command` does not know.
static void refuseExtras(const CLI::App &command) {
  std::vector<std::string> extras = command.remaining();
  if (extras.empty())
    return;
  std::vector<std::string> known;
  for (const CLI::Option *option : command.get_options())
    known.push_back(option->get_name());
  std::string given = extras[0].substr(0, extras[0].find('='));
  bool isOption = given.rfind("-", 0) == 0;
  fail("unknown {} '{}'{} ({} --help lists them all)", isOption ? "option" : "argument", given,
       isOption ? didYouMean(given, known) : "", command.get_name());
}

static int runChosen(CommandLine &line, const FritLevel *const *levels, const FritLevel &level) {
  refuseExtras(line.app);
  for (CLI::App *command : line.app.get_subcommands())
    refuseExtras(*command);
  if (line.train->parsed())
    return train(level, line.trainOptions);
  if (line.evaluate->parsed())
    return evaluate(level, line.evaluateOptions);
  if (line.sample->parsed())
    return sample(level, line.sampleOptions);
  if (line.info->parsed())
    return info(levels, level, line.infoOptions);
  return bench(level, line.benchOptions);
}

static int runChecked(int argc, char **argv, const FritLevel *const *levels) {
  catchSignals();
  const FritLevel &level = chooseLevel(levels);
  std::string name = argc > 0 ? argv[0] : "program";
  CommandLine line(name, readDescription(level));
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::CallForHelp &help) {
    line.app.exit(help);
    return 0;
  } catch (const CLI::ParseError &error) {
    if (argc < 2) {
      fmt::print(stderr, "{}", line.app.help());
      return 1;
    }
    std::vector<std::string> commands;
    for (const CLI::App *command : line.app.get_subcommands({}))
      commands.push_back(command->get_name());
    if (argv[1][0] != '-' && line.app.get_subcommands().empty())
      fail("unknown command '{}'{} (there are {})", argv[1], didYouMean(argv[1], commands),
           fmt::join(commands, ", "));
    fail("{}", error.what());
  }
  int status = runChosen(line, levels, level);
  // What was printed must have arrived: `info > /dev/full` is an error.
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    fail("cannot write to standard output: {}", std::strerror(errno));
  return status;
}

int frit::runProgram(int argc, char **argv, const FritLevel *const *levels) {
  auto report = [](const char *prefix, const char *text) {
    std::fflush(stdout);
    fmt::print(stderr, "{}: {}\n", prefix, text);
  };
  try {
    return runChecked(argc, argv, levels);
  } catch (const ProgramError &error) {
    std::fflush(stdout);
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  } catch (const UserError &error) {
    report("error", error.what());
    return 1;
  } catch (const NotFinite &error) {
    report("error", error.what());
    return 3;
  } catch (const std::bad_alloc &) {
    report("error", "out of memory");
    return 1;
  } catch (const std::exception &error) {
    report("error: this is a bug in frit", error.what());
    return 70;
  }
}
