// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/resolver/zone.hh"

#include <algorithm>

namespace ctgate::test::dns {
namespace {

constexpr int longest_chain = 16;

}  // namespace

Zone& Zone::add(std::string_view name, Entry entry) {
  entries_.insert_or_assign(std::string(name), std::move(entry));
  return *this;
}

Entry* Zone::find(std::string_view name) {
  if (const auto exact = entries_.find(name); exact != entries_.end()) return &exact->second;
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const auto wildcard = entries_.find(std::string("*").append(name.substr(dot)));
    if (wildcard != entries_.end()) return &wildcard->second;
  }
  return nullptr;
}

Answer Zone::look_up(const Question& question) {
  Answer answer;
  std::string name = question.name;
  for (int step = 0; step < longest_chain; ++step) {
    Entry* entry = find(name);
    if (entry == nullptr) {
      answer.rcode = Rcode::name_error;
      return answer;
    }
    if (question.type == type::a) answer.rcode = entry->rcode_a;
    if (question.type == type::aaaa) answer.rcode = entry->rcode_aaaa;
    if (answer.rcode != Rcode::no_error) return answer;
    if (!entry->alias.empty()) {
      answer.records.push_back(alias_record(name, entry->alias));
      name = entry->alias;
      continue;
    }
    if (entry->rotate && !entry->addresses.empty()) {
      std::rotate(entry->addresses.begin(), entry->addresses.begin() + 1, entry->addresses.end());
    }
    for (const auto& address : entry->addresses) {
      auto record = address_record(name, address);
      if (record.type == question.type) answer.records.push_back(std::move(record));
    }
    return answer;
  }
  return answer;
}

std::vector<Reply> Zone::respond(const Bytes& query, Transport transport) {
  const auto question = parse_question(query);
  if (!question) return {};
  const Entry* entry = find(question->name);
  const bool asks_for_a = question->type == type::a;
  const Trick trick = entry == nullptr ? Trick::none : asks_for_a ? entry->trick_a : entry->trick_aaaa;
  const auto delay = entry == nullptr ? std::chrono::milliseconds(0) : entry->delay;
  auto replies = forge(trick, *question, look_up(*question), transport);
  for (auto& reply : replies) reply.delay += delay;
  return replies;
}

}  // namespace ctgate::test::dns
