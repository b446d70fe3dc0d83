// Files: what each declares, what it uses, its config. The prelude's text lies in the library.
#include "dialect/syntax/Parser.h"
#include "dialect/syntax/check/Checker.h"
#include "dialect/syntax/check/Prelude.h"
#include <filesystem>

namespace frit::checking {

static const Source *besides(Sources &sources, const std::string &path, const Source &from,
                             std::string &reason) {
  std::filesystem::path target(path);
  if (target.is_relative())
    target = std::filesystem::path(from.name).parent_path() / target;
  return sources.load(target.string(), reason);
}

File *Checker::load(const ast::Module &module) {
  auto [slot, isNew] = files.insert({module.source, nullptr});
  if (!isNew)
    return slot->second.get();
  slot->second = std::make_unique<File>();
  File *file = slot->second.get();
  file->module = &module;
  file->isPrelude = prelude == nullptr;
  if (prelude) // the prelude is always in scope; own names come before it
    for (auto &[name, declared] : prelude->names)
      file->names[name] = declared;

  std::map<std::string, Location> declaredAt;
  auto declare = [&](const ast::Ident &name) {
    auto [at, isFirst] = declaredAt.insert({name.text, name.at});
    if (!isFirst)
      error(name.at, fmt::format("'{}' is declared twice", name.text))
          .note(at->second, "the first time");
    return isFirst;
  };
  std::vector<File *> used;
  for (const ast::DeclPtr &decl : module.decls) {
    if (auto *use = ast::as<ast::Use>(decl)) {
      std::string reason;
      const Source *source = options.resolve ? options.resolve(use->path, *module.source)
                                             : besides(sources, use->path, *module.source, reason);
      if (!source) {
        error(use->pathAt,
              fmt::format("cannot read '{}'{}", use->path, reason.empty() ? "" : ": " + reason))
            .fail();
      }
      File *other = nullptr;
      for (auto &[known, loaded] : files)
        if (known && known->name == source->name && loaded && loaded.get() != file)
          other = loaded.get();
      if (!other) {
        if (source->name == module.source->name)
          error(use->pathAt, "a file cannot use itself").fail();
        ownModules.push_back(std::make_unique<ast::Module>(parse(*source, diagnostics)));
        if (diagnostics.hasErrors())
          throw Failure();
        other = load(*ownModules.back());
      }
      for (auto &[name, declared] : other->names)
        if (declared.file == nullptr || !declared.file->isPrelude)
          file->names[name] = declared;
      for (auto &[name, value] : other->config)
        file->config[name] = value;

      for (auto &[name, train] : other->trains)
        file->trains[name] = train;
    }
  }
  for (const ast::DeclPtr &decl : module.decls) {
    switch (decl->kind) {
    case ast::DeclKind::Use:
      break;
    case ast::DeclKind::Config: {
      auto *config = ast::as<ast::Config>(decl);
      auto scope = std::make_shared<Scope>();
      scope->file = file;
      scope->isStatic = true;
      std::map<std::string, Location> seen;
      for (const ast::Setting &setting : config->settings) {
        auto [at, isFirst] = seen.insert({setting.name.text, setting.name.at});
        if (!isFirst)
          error(setting.name.at, fmt::format("'{}' is set twice", setting.name.text))
              .note(at->second, "the first time")
              .fail();
        const ast::Expr *expr = setting.value.get();
        if (auto override = settings.find(setting.name.text); override != settings.end()) {
          expr = override->second;
          settingsUsed.insert(setting.name.text);
        }
        Value value = eval(*scope, *expr);
        if (auto number = numberOf(value))
          value = *number;
        else if (!value.get<bool>() && !value.get<Text>())
          error(expr->at, fmt::format("config holds numbers, bools and texts, this is {}",
                                      describe(value, *scope)))
              .fail();
        file->config[setting.name.text] = value;
        statics.insert(setting.name.text);
      }
      break;
    }
    case ast::DeclKind::Check:
      break;
    case ast::DeclKind::Train: {
      auto *train = ast::as<ast::Train>(decl);
      if (auto found = file->trains.find(train->name.text);
          found != file->trains.end() && found->second->at.file == train->at.file)
        error(train->name.at, fmt::format("'train {}' is declared twice", train->name.text))
            .note(found->second->name.at, "the first time");
      file->trains[train->name.text] = train;
      break;
    }
    default:
      if (declare(decl->name))
        file->names[decl->name.text] = {decl.get(), file};
      break;
    }
  }
  return file;
}

} // namespace frit::checking
