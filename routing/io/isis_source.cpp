// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tells apart the ways in which vtysh fails.
#include "routing/io/isis_source.hpp"

#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "routing/io/command.hpp"

namespace sidestep::routing {
namespace {

/// The first line of a text.
std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Result<std::string> ask(const IsisSourceOptions& options, const std::vector<std::string>& commands) {
    std::vector<std::string> arguments{options.vtysh};
    if (!options.socket_directory.empty()) {
        arguments.insert(arguments.end(), {"--vty_socket", options.socket_directory});
    }
    arguments.insert(arguments.end(), {"-d", "isisd"});
    for (const auto& command : commands) arguments.insert(arguments.end(), {"-c", command});
    auto output = run_command(arguments, options.timeout);
    if (!output) return fail(output.error().message + " (reading IS-IS needs FRR's vtysh)");
    if (output->exit_code != 0) {
        return fail(
            fmt::format("vtysh cannot reach isisd ({}): is it running?", first_line(output->err + output->out)));
    }
    return std::move(output->out);
}

}  // namespace

Result<IsisDatabase> read_isis(const IsisSourceOptions& options) {
    Result<IsisDatabase> database = fail("the IS-IS database was not read");
    for (int attempt = 0; attempt < options.attempts; ++attempt) {
        const auto text = ask(options, {"show isis database detail", "show isis hostname"});
        if (!text) return std::unexpected(text.error());
        database = parse_isis_database(*text, options.scope);
        if (database && database->left_out.empty()) break;
    }
    if (!database) return database;
    const auto text = ask(options, {"show isis neighbor detail", "show isis interface detail"});
    if (!text) return std::unexpected(text.error());
    database->adjacencies = parse_isis_adjacencies(*text, database->level);
    return database;
}

std::string list_of_lsps(const std::string& text) {
    std::string result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        // r1.00-00             *    112   0x00000004  0xce84    1163    0/0/0
        std::istringstream words(line);
        std::string kept;
        std::string holdtime;
        int numbers = 0;
        for (std::string word; numbers < 2 && words >> word;) {
            if (word.starts_with("0x")) ++numbers;
            kept += word + " ";
        }
        if (numbers < 2) continue;
        words >> holdtime;
        result += kept + (holdtime.starts_with("(") ? "purged\n" : "\n");
    }
    return result;
}

Result<bool> IsisSource::refresh() {
    const auto text = ask(options_, {"show isis database"});
    if (!text) return std::unexpected(text.error());
    auto list = list_of_lsps(*text);
    if (current_ && list == list_) return false;
    auto database = read_isis(options_);
    if (!database) return std::unexpected(database.error());
    list_ = std::move(list);  // older than the database, if that has changed meanwhile: then it is read once more
    if (current_ && *database == database_) return false;
    current_ = graph_of(*database, plan_);
    database_ = std::move(*database);
    return true;
}

}  // namespace sidestep::routing
