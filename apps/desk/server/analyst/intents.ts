// Which words ask for what. A table, read from the top: the first line that fits is it, so what is special stands above
// what is general. Patterns are read over spelled text (spelling.ts), where each word has a space on both sides.

export type Intent =
  | 'greeting'
  | 'thanks'
  | 'identity'
  | 'help'
  | 'accept'
  | 'forecast'
  | 'rules in force'
  | 'rules'
  | 'compare'
  | 'list'
  | 'last'
  | 'drawdown'
  | 'ratios'
  | 'risk'
  | 'positions'
  | 'fees'
  | 'streaks'
  | 'holding time'
  | 'hours'
  | 'days'
  | 'best'
  | 'worst'
  | 'winners'
  | 'losers'
  | 'symbols'
  | 'side'
  | 'why'
  | 'returns'
  | 'statistics'
  | 'summary';

export const INTENTS: readonly (readonly [Intent, RegExp])[] = [
  [
    'greeting',
    /^ (?:hi|hello|hey|hallo|yo|good (?:morning|day|evening|afternoon))(?: there| analyst| you)? $/,
  ],
  [
    'thanks',
    /^ (?:ok |okay |great |good |nice )?(?:thanks|thank you|thx|cheers|ty)(?: a lot| very much| so much)? $/,
  ],
  [
    'identity',
    / who are you | what are you | who is this | your name | are you (?:an? )?(?:ai|bot|human|person|real|gpt|llm|robot|machine|chatgpt|claude|language|rule)| (?:what|which) (?:ai |llm |language )?model (?:are you|is this|do you use|am i|runs)| rule based /,
  ],
  [
    'help',
    /^ help(?: me)? $|^ commands? $|^ examples? $| what can (?:you|i) (?:ask|answer|tell|help|say)| what can you do | what should i ask| how do (?:you|i|this|it) (?:work|use)| how does this work | what do you (?:know|do) | your (?:commands|abilities|capabilities) | what questions /,
  ],
  [
    'accept',
    / (?:accept|apply|activate|enable|switch on|turn on|set up) (?:it|this|that|the|rule|a|your) |^ (?:accept|apply|yes do it|do it|yes please) /,
  ],
  [
    'forecast',
    / (?:will|going to|gonna) (?:it|the|they|this|price|market|[a-z]{2,5}) ?(?:go|rise|fall|make|lose|be|win|crash|do|recover)?| predict| forecast | tomorrow | next (?:week|month|year) | should i (?:buy|sell|invest|short|long) | is it (?:a )?good (?:time|idea) to (?:buy|sell)/,
  ],
  [
    'rules in force',
    / rules? (?:are |is )?(?:now )?(?:in force|active|set|accepted|enforced)| rules? (?:does|do|has|must) (?:it|the|this|my) | (?:current|active|accepted|its|my|existing) rules? | (?:show|list) (?:me )?(?:all )?(?:the )?rules? /,
  ],
  [
    'compare',
    / compare| comparison | versus | vs | better than | worse than | difference between | against (?:each other|the other|other|run)| (?:which|what) (?:run|model|agent|strategy|one) (?:is|was|did|does|made|has|performed|earned|lost|wins)| best (?:model|agent|run|strategy) | worst (?:model|agent|run|strategy) /,
  ],
  [
    'rules',
    / rules? | (?:suggest|suggestion|suggestions|recommend|recommendation|advice|advise) | would (?:[a-z]+ )*(?:helped|saved|prevented|worked) | (?:how|what) (?:can|could|should|do|would) (?:i|it|we|you|be) (?:do |done )?(?:to )?(?:improve|fix|avoid|reduce|prevent|stop|lose|change|differently|better|make it)| what (?:can|could|should) (?:i|we) do | how to (?:improve|fix|avoid|reduce|prevent|stop|lose)| (?:a )?stop loss | improvements? | do better | too (?:often|much|many|large|late|early|long|frequently|greedy) | overtrad/,
  ],
  [
    'list',
    / (?:list|show|which|what|all|see) (?:me )?(?:all )?(?:of )?(?:the |my |your |other )?(?:runs|models|agents|strategies) | how many (?:runs|models|agents) | what (?:runs|models|agents) | (?:runs|models) (?:are there|exist|do i have) /,
  ],
  [
    'drawdown',
    / drawdowns? | draw down | peak to trough | underwater | (?:biggest|largest|worst|deepest|maximum|max) (?:dip|drop|fall|decline|slump) | from (?:its|the) (?:peak|high) | when did it (?:fall|drop|crash) | recover(?:ed)? /,
  ],
  [
    'ratios',
    / sharpe | sortino | risk adjusted | volatility | volatile | standard deviation | how much does it swing /,
  ],
  [
    'last',
    / (?:last|latest|newest|recent|most recent|previous) (?:[a-z0-9]+ )?(?:trades?|orders?|actions?|decisions?|moves?|things?|fills?|activity) | (?:do|did|done|happened|bought|sold|buy|sell|traded|decide|decided) (?:it )?(?:last|lately|recently|just now|most recently) | just (?:do|did|done|bought|sold) | (?:what|why) is it doing | doing (?:right )?now | last thing /,
  ],
  [
    'holding time',
    / (?:holding|hold) (?:time|period|duration|them|positions|trades)| how long (?:does|did|do|are|is|were|was) | average (?:time|duration) | duration /,
  ],
  [
    'positions',
    / positions? | holdings? | hold(?:s)? (?:now|right|at|any|currently)| (?:it|you|model) (?:hold|holds|holding|own|owns) | currently (?:own|hold|invested) | portfolio | own(?:s|ed)? | exposures? | exposed | invested | how much cash | cash (?:left|balance) | open (?:trades|shares) | unreali[sz]ed /,
  ],
  ['risk', / risk| dangerous | danger | safe | safety | leverage | concentrat| value at /],
  [
    'fees',
    / fees? | commissions? | trading costs? | costs? (?:of|it|does|did|me)| how expensive | slippage | churn/,
  ],
  ['streaks', / streaks? | in a row | consecutive | row of /],
  [
    'hours',
    / hours? | time of (?:the )?day | times? of | mornings? | afternoons? | what time | which time | when (?:does|did|is|do|was) (?:it|the|this|my|most|you) (?:win|lose|make|earn|trade|best|worst|money|do|perform|better)?| session | o clock | utc | opening | around noon /,
  ],
  [
    'days',
    / (?:which|what|best|worst|each|every|per|by|daily|day by) ?days? | daily | day by day | today | yesterday | weekdays? |\d{4}-\d{2}-\d{2}| first day /,
  ],
  [
    'best',
    / (?:best|biggest|largest|top|greatest|finest|most profitable|most successful|highest) (?:(?:\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|single|closed|individual|of|the|its|my) )*(?:trades?|wins?|winners?|winning|profits?|gains?|deals?|ones?)(?: trades?)? | (?:its|the|my) best $|^ (?:and |the |show )*best | best (?:trade )?(?:in|of|on|with) /,
  ],
  [
    'worst',
    / (?:worst|biggest|largest|top|most painful|costliest|most expensive|bottom) (?:(?:\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|single|closed|individual|of|the|its|my) )*(?:trades?|loss|losses|losers?|losing|deals?|mistakes?|ones?)(?: trades?)? | what hurt| (?:its|the|my) worst $|^ (?:and |the |show )*worst | worst (?:trade )?(?:in|of|on|with) /,
  ],
  [
    'winners',
    / winners | winning trades | (?:profitable|good) trades | trades (?:that|which) (?:won|made) /,
  ],
  [
    'losers',
    / losers | losing trades | (?:bad|lost|unprofitable) trades | trades (?:that|which) (?:lost|failed) | mistakes /,
  ],
  [
    'symbols',
    / (?:which|what|by|per|each|best|worst) (?:[a-z]+ )?(?:symbols?|tickers?|stocks?|instruments?|names?|shares?) | (?:symbols|tickers|stocks|instruments) /,
  ],
  [
    'why',
    / why | how come | reasons? | what (?:went wrong|happened|caused|is wrong|drove|made it)| explain| cause | what did it do (?:wrong|right|well)| where did (?:the|my|all|it) (?:money|profit|loss|losses)/,
  ],
  [
    'statistics',
    / win rate | winrate | hit rate | profit factor | expectancy | payoff | average (?:win|loss|trade|profit)| how many (?:trades?|wins|losses|orders)| how often | number of trades | metrics | success rate | reward /,
  ],
  [
    'returns',
    / returns? | pnl | profits? | earn(?:ed|ings?)? | gains?| equity | balance | how much (?:money )?(?:has|did|have|was|is|does|money)| (?:make|made|making|lose|lost|losing) (?:any )?money | up or down | in the (?:red|green|black) | worth | performance | how did it (?:do|perform)/,
  ],
  [
    'side',
    / (?:buys|sells|buying|selling|longs?|shorts?|entries|exits|sales|buy side|sell side) | (?:buy|sell) (?:trades|orders|side)/,
  ],
  [
    'summary',
    / summar| overview | stats | statistics | report | recap | status | tell me (?:about|everything|more)| how (?:is|was|are|did|has|does) (?:it|this|the|that|my|run|model|things)| (?:show|analy[sz]e|review|describe) (?:me )?(?:this|the|my|it|run|everything)| analysis | figures | numbers | how (?:it|things) (?:went|going|did|doing) | patterns? /,
  ],
];
