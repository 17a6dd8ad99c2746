// Every call of Binance's own derivatives connector: REST, WebSocket API, market streams, user data.
// Usage: node connector.mjs http://127.0.0.1:PORT
import assert from 'node:assert/strict';
import { DerivativesTradingUsdsFutures } from '@binance/derivatives-trading-usds-futures';
import { Calls, sleep, until, withTimeout } from './calls.mjs';

const http = process.argv[2];
const ws = http.replace(/^http/, 'ws');
const key = { apiKey: 'demo', apiSecret: 'demo' };
const client = new DerivativesTradingUsdsFutures({
  configurationRestAPI: { ...key, basePath: http, retries: 0, timeout: 5000 },
  configurationWebsocketAPI: { ...key, wsURL: `${ws}/ws-fapi/v1` },
  configurationWebsocketStreams: { wsURL: ws },
});
const rest = client.restAPI;
const calls = new Calls();
const symbol = 'BTCUSDT';
const called = new Set();

const isList = (x) => assert.ok(Array.isArray(x), `expected a list, got ${JSON.stringify(x).slice(0, 120)}`);
const has = (...keys) => (x) => keys.forEach((k) => assert.ok(k in x, `no ${k} in ${JSON.stringify(x).slice(0, 200)}`));
const firstHas = (...keys) => (x) => { isList(x); assert.ok(x.length > 0, 'empty'); has(...keys)(x[0]); };

const call = (name, params, check) => {
  called.add(name);
  return calls.run(`rest.${name}`, async () => (await rest[name](params)).data(), check);
};
const refused = (name, params, code) => {
  called.add(name);
  return calls.refused(`rest.${name} is refused`, async () => (await rest[name](params)).data(), code);
};

// Market data.
await call('testConnectivity', undefined, (x) => assert.deepEqual(x, {}));
await call('checkServerTime', undefined, has('serverTime'));
const info = await call('exchangeInformation', undefined, has('timezone', 'rateLimits', 'assets', 'symbols'));
assert.ok(info.symbols.some((s) => s.symbol === symbol));
const book = await call('orderBook', { symbol, limit: 20 }, has('lastUpdateId', 'E', 'T', 'bids', 'asks'));
await call('rpiOrderBook', { symbol, limit: 1000 }, has('lastUpdateId', 'bids'));
await call('recentTradesList', { symbol, limit: 5 }, firstHas('id', 'price', 'qty', 'quoteQty', 'time', 'isBuyerMaker'));
await call('oldTradesLookup', { symbol, limit: 5 }, isList);
await call('compressedAggregateTradesList', { symbol, limit: 5 }, firstHas('a', 'p', 'q', 'f', 'l', 'T', 'm'));
await call('klineCandlestickData', { symbol, interval: '1m', limit: 5 }, (x) => { isList(x); assert.equal(x[0].length, 12); });
await call('continuousContractKlineCandlestickData', { pair: symbol, contractType: 'PERPETUAL', interval: '1m', limit: 5 }, isList);
await call('indexPriceKlineCandlestickData', { pair: symbol, interval: '1m', limit: 5 }, isList);
await call('markPriceKlineCandlestickData', { symbol, interval: '1m', limit: 5 }, isList);
await call('premiumIndexKlineData', { symbol, interval: '1m', limit: 5 }, isList);
await call('markPrice', { symbol }, has('markPrice', 'indexPrice', 'lastFundingRate', 'nextFundingTime', 'time'));
await call('getFundingRateHistory', { symbol }, isList);
await call('getFundingRateInfo', undefined, isList);
await call('ticker24hrPriceChangeStatistics', { symbol }, has('lastPrice', 'volume', 'openTime', 'count'));
await call('symbolPriceTicker', { symbol }, has('price'));
await call('symbolPriceTickerV2', { symbol }, has('price', 'time'));
await call('symbolOrderBookTicker', { symbol }, has('bidPrice', 'askPrice'));
await call('openInterest', { symbol }, has('openInterest', 'time'));
for (const name of ['openInterestStatistics', 'topTraderLongShortRatioPositions', 'topTraderLongShortRatioAccounts', 'longShortRatio', 'takerBuySellVolume'])
  await call(name, { symbol, period: '5m' }, isList);
await call('basis', { pair: symbol, contractType: 'PERPETUAL', period: '5m', limit: 5 }, isList);
await call('quarterlyContractSettlementPrice', { pair: symbol }, isList);
await call('compositeIndexSymbolInformation', {}, isList);
await call('assetIndex', {}, isList);
await call('queryIndexPriceConstituents', { symbol }, has('symbol', 'constituents'));
await call('queryInsuranceFundBalanceSnapshot', {}, (x) => assert.ok(x));
await call('adlRisk', {}, (x) => assert.ok(x));
await call('tradingSchedule', undefined, (x) => assert.ok(x));

// User data stream first, so that it sees the trading.
const { listenKey } = await call('startUserDataStream', undefined, has('listenKey'));
await call('keepaliveUserDataStream');
const streams = await client.websocketStreams.connect();
const events = [];
const user = streams.userData(listenKey);
user.on('message', (data) => events.push(data));
await sleep(500);

// Account.
await call('futuresAccountBalanceV2', undefined, firstHas('asset', 'balance', 'availableBalance'));
await call('futuresAccountBalanceV3', undefined, firstHas('asset', 'balance', 'crossWalletBalance'));
await call('accountInformationV2', undefined, has('totalWalletBalance', 'assets', 'positions', 'canTrade'));
await call('accountInformationV3', undefined, has('totalWalletBalance', 'assets', 'positions'));
await call('futuresAccountConfiguration', undefined, has('dualSidePosition', 'multiAssetsMargin'));
await call('symbolConfiguration', { symbol }, firstHas('symbol', 'marginType', 'leverage', 'maxNotionalValue'));
await call('getCurrentPositionMode', undefined, (x) => assert.equal(x.dualSidePosition, false));
await call('getCurrentMultiAssetsMode', undefined, (x) => assert.equal(x.multiAssetsMargin, false));
await call('getBnbBurnStatus', undefined, has('feeBurn'));
await call('toggleBnbBurnOnFuturesTrade', { feeBurn: 'false' }, has('code'));
await call('notionalAndLeverageBrackets', { symbol }, firstHas('symbol', 'brackets'));
await call('userCommissionRate', { symbol }, has('makerCommissionRate', 'takerCommissionRate'));
await call('queryUserRateLimit', undefined, firstHas('rateLimitType', 'interval', 'limit'));
await call('futuresTradingQuantitativeRulesIndicators', {}, (x) => assert.ok(x));
await call('classicPortfolioMarginAccountInformation', { asset: 'USDT' }, (x) => assert.ok(x));
await call('changeInitialLeverage', { symbol, leverage: 5 }, (x) => assert.equal(x.leverage, 5));
await call('changeMarginType', { symbol, marginType: 'ISOLATED' }, (x) => assert.equal(x.code, 200));
await refused('changeMarginType', { symbol, marginType: 'ISOLATED' }, /-4046|No need to change margin type/);
await refused('changePositionMode', { dualSidePosition: 'false' }, /-4059|No need to change position side/);
await refused('changeMultiAssetsMode', { multiAssetsMargin: 'false' }, /-4171|No need to change/);

// Orders.
const filter = (type) => info.symbols.find((s) => s.symbol === symbol).filters.find((f) => f.filterType === type);
const tick = Number(filter('PRICE_FILTER').tickSize);
const step = Number(filter('LOT_SIZE').stepSize);
const decimals = (x) => (String(x).split('.')[1] ?? '').length;
const bid = Number(book.bids[0][0]);
const price = (factor) => Number((Math.round((bid * factor) / tick) * tick).toFixed(decimals(tick)));
const quantity = Number((Math.ceil(300 / bid / step) * step).toFixed(decimals(step)));
const limitOrder = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity, price: price(0.97) };
await call('testOrder', limitOrder, has('symbol'));
const placed = await call('newOrder', { ...limitOrder, newClientOrderId: 'connector-1' }, (x) => assert.equal(x.status, 'NEW'));
await call('queryOrder', { symbol, orderId: placed.orderId }, (x) => assert.equal(x.clientOrderId, 'connector-1'));
await call('queryCurrentOpenOrder', { symbol, origClientOrderId: 'connector-1' }, (x) => assert.equal(x.orderId, placed.orderId));
await call('currentAllOpenOrders', { symbol }, (x) => assert.equal(x.length, 1));
await refused('newOrder', { ...limitOrder, newClientOrderId: 'connector-1' }, /-4116|duplicated/);
await refused('newOrder', { symbol, side: 'SELL', type: 'STOP_MARKET', stopPrice: price(0.9), quantity }, /-4120|Algo/);
await call('modifyOrder', { symbol, side: 'BUY', orderId: placed.orderId, quantity, price: price(0.96) }, (x) => assert.equal(Number(x.price), price(0.96)));
await call('getOrderModifyHistory', { symbol, orderId: placed.orderId }, (x) => { isList(x); assert.equal(x.length, 1); });
await call('cancelOrder', { symbol, orderId: placed.orderId }, (x) => assert.equal(x.status, 'CANCELED'));
const batch = [0.97, 0.96].map((f) => ({ symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: String(quantity), price: String(price(f)) }));
const two = await call('placeMultipleOrders', { batchOrders: batch }, (x) => { isList(x); x.forEach((o) => assert.equal(o.status, 'NEW')); });
await call('modifyMultipleOrders', { batchOrders: two.map((o) => ({ symbol, side: 'BUY', orderId: o.orderId, quantity: String(quantity), price: String(price(0.955)) })) }, (x) => x.forEach((o) => assert.equal(Number(o.price), price(0.955))));
await call('cancelMultipleOrders', { symbol, orderIdList: two.map((o) => o.orderId) }, (x) => x.forEach((o) => assert.equal(o.status, 'CANCELED')));
await call('newOrder', limitOrder);
await call('autoCancelAllOpenOrders', { symbol, countdownTime: 60_000 }, has('symbol', 'countdownTime'));
await call('autoCancelAllOpenOrders', { symbol, countdownTime: 0 }, has('countdownTime'));
await call('cancelAllOpenOrders', { symbol }, (x) => assert.equal(x.code, 200));
const bought = await call('newOrder', { symbol, side: 'BUY', type: 'MARKET', quantity, newOrderRespType: 'RESULT' }, (x) => assert.equal(x.status, 'FILLED'));
await call('positionInformationV2', { symbol }, (x) => assert.equal(Number(x[0].positionAmt), quantity));
await call('positionInformationV3', { symbol }, (x) => assert.equal(Number(x[0].positionAmt), quantity));
await call('positionAdlQuantileEstimation', { symbol }, firstHas('symbol', 'adlQuantile'));
await call('modifyIsolatedPositionMargin', { symbol, amount: 10, type: '1' }, (x) => assert.equal(x.code, 200));
await call('getPositionMarginChangeHistory', { symbol }, (x) => assert.ok(x.length >= 1));

// Conditional orders.
const algo = await call('newAlgoOrder', { algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'STOP_MARKET', quantity, triggerPrice: price(0.95), reduceOnly: 'true', clientAlgoId: 'connector-stop' }, (x) => assert.equal(x.algoStatus, 'NEW'));
await call('queryAlgoOrder', { algoId: algo.algoId }, (x) => assert.equal(x.clientAlgoId, 'connector-stop'));
await call('currentAllAlgoOpenOrders', { symbol }, (x) => assert.equal(x.length, 1));
await call('cancelAlgoOrder', { algoId: algo.algoId }, (x) => assert.equal(String(x.code), '200'));
await call('newAlgoOrder', { algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'TRAILING_STOP_MARKET', quantity, callbackRate: 2, reduceOnly: 'true' }, (x) => assert.equal(x.algoStatus, 'NEW'));
await call('newAlgoOrder', { algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'TAKE_PROFIT_MARKET', triggerPrice: price(1.05), closePosition: 'true' }, (x) => assert.equal(x.closePosition, true));
await call('cancelAllAlgoOpenOrders', { symbol }, (x) => assert.equal(Number(x.code), 200));
await call('queryAllAlgoOrders', { symbol }, (x) => assert.ok(x.length >= 3));

// The WebSocket API.
const api = await client.websocketAPI.connect();
const over = (name, params, check) => calls.run(`wsApi.${name}`, async () => (await api[name](params)).data, check);
await over('orderBook', { symbol, limit: 5 }, has('lastUpdateId', 'bids'));
await over('symbolPriceTicker', { symbol }, has('price'));
await over('symbolOrderBookTicker', { symbol }, has('bidPrice'));
await over('futuresAccountBalance', {}, firstHas('asset', 'balance'));
await over('futuresAccountBalanceV2', {}, firstHas('asset', 'balance'));
await over('accountInformation', {}, has('totalWalletBalance'));
await over('accountInformationV2', {}, has('totalWalletBalance'));
await over('positionInformation', { symbol }, isList);
await over('positionInformationV2', { symbol }, isList);
const placedOver = await over('newOrder', limitOrder, (x) => assert.equal(x.status, 'NEW'));
await over('queryOrder', { symbol, orderId: placedOver.orderId }, (x) => assert.equal(x.orderId, placedOver.orderId));
await over('modifyOrder', { symbol, side: 'BUY', orderId: placedOver.orderId, quantity, price: price(0.96) }, (x) => assert.equal(Number(x.price), price(0.96)));
await over('cancelOrder', { symbol, orderId: placedOver.orderId }, (x) => assert.equal(x.status, 'CANCELED'));
const algoOver = await over('newAlgoOrder', { algoType: 'CONDITIONAL', symbol, side: 'SELL', type: 'STOP_MARKET', quantity, triggerPrice: price(0.95), reduceOnly: 'true' }, (x) => assert.equal(x.algoStatus, 'NEW'));
await over('cancelAlgoOrder', { algoId: algoOver.algoId }, (x) => assert.equal(String(x.code), '200'));
await over('startUserDataStream', {}, has('listenKey'));
await over('keepaliveUserDataStream', {}, (x) => assert.ok(x));
await api.disconnect();

// Close, history.
await call('newOrder', { symbol, side: 'SELL', type: 'MARKET', quantity, reduceOnly: 'true', newOrderRespType: 'RESULT' }, (x) => assert.equal(x.status, 'FILLED'));
await call('allOrders', { symbol }, (x) => assert.ok(x.length >= 4));
await call('accountTradeList', { symbol }, (x) => assert.ok(x.some((t) => t.orderId === bought.orderId)));
await call('getIncomeHistory', { symbol }, (x) => assert.ok(x.some((i) => i.incomeType === 'COMMISSION')));
await call('usersForceOrders', { symbol }, isList);

// Market streams: each must deliver a message of its kind.
const stream = (name, params, check) =>
  calls.run(`stream.${name}`, () => new Promise((resolve) => {
    const handle = streams[name](params);
    handle.on('message', (data) => { handle.unsubscribe(); resolve(data); });
  }), check);
const event = (kind) => (x) => assert.equal((Array.isArray(x) ? x[0] : x).e, kind);
await stream('aggregateTradeStreams', { symbol }, event('aggTrade'));
await stream('markPriceStream', { symbol, updateSpeed: '1s' }, event('markPriceUpdate'));
await stream('markPriceStreamForAllMarket', { updateSpeed: '1s' }, event('markPriceUpdate'));
await stream('klineCandlestickStreams', { symbol, interval: '1m' }, event('kline'));
// Stream names are lower case; the connector lowers a symbol, but passes a pair on as it is.
await stream('continuousContractKlineCandlestickStreams', { pair: symbol.toLowerCase(), contractType: 'perpetual', interval: '1m' }, event('continuous_kline'));
await stream('individualSymbolMiniTickerStream', { symbol }, event('24hrMiniTicker'));
await stream('allMarketMiniTickersStream', {}, event('24hrMiniTicker'));
await stream('individualSymbolTickerStreams', { symbol }, event('24hrTicker'));
await stream('allMarketTickersStreams', {}, event('24hrTicker'));
await stream('individualSymbolBookTickerStreams', { symbol }, event('bookTicker'));
await stream('allBookTickersStream', {}, event('bookTicker'));
await stream('partialBookDepthStreams', { symbol, levels: 5, updateSpeed: '100ms' }, event('depthUpdate'));
await stream('diffBookDepthStreams', { symbol, updateSpeed: '100ms' }, event('depthUpdate'));
await stream('rpiDiffBookDepthStreams', { symbol }, event('depthUpdate'));
// Streams that speak only when something happens: the subscription itself must be accepted.
for (const [name, params] of [
  ['liquidationOrderStreams', { symbol }],
  ['allMarketLiquidationOrderStreams', {}],
  ['contractInfoStream', {}],
  ['assetIndex', {}],
  ['compositeIndexSymbolInformationStreams', { symbol }],
  ['tradingSessionStream', {}],
])
  await calls.run(`stream.${name} subscribes`, async () => { streams[name](params); await sleep(100); });

// What the user data stream saw.
for (const kind of ['ORDER_TRADE_UPDATE', 'ACCOUNT_UPDATE', 'TRADE_LITE', 'ALGO_UPDATE'])
  await calls.run(`userData ${kind}`, () => until(() => events.some((e) => e.e === kind)));
const fill = (e) => e.e === 'ORDER_TRADE_UPDATE' && e.o.i === bought.orderId && e.o.X === 'FILLED';
await calls.run('userData fill', () => until(() => events.some(fill)));
await call('closeUserDataStream');

// What a simulated USD-M exchange has no data for must be refused with an error of the protocol, not with a made-up answer.
for (const name of ['getDownloadIdForFuturesTransactionHistory', 'getDownloadIdForFuturesOrderHistory', 'getDownloadIdForFuturesTradeHistory'])
  await refused(name, { startTime: Date.now() - 86_400_000, endTime: Date.now() }, /-1020|not supported/);
for (const name of ['getFuturesTransactionHistoryDownloadLinkById', 'getFuturesOrderHistoryDownloadLinkById', 'getFuturesTradeDownloadLinkById'])
  await refused(name, { downloadId: '1' }, /-1020|not supported/);
// Convert and TradFi contracts are products of another service.
const elsewhere = new Set(['acceptTheOfferedQuote', 'listAllConvertPairs', 'orderStatus', 'sendQuoteRequest', 'futuresTradfiPerpsContract', 'sendRequest', 'sendSignedRequest']);
const names = Object.getOwnPropertyNames(Object.getPrototypeOf(rest)).filter((n) => n !== 'constructor' && !elsewhere.has(n));
await calls.run('every REST call of the connector was made', async () => names.filter((n) => !called.has(n)), (left) => assert.deepEqual(left, []));
await withTimeout(streams.disconnect(), 2000, 'disconnect').catch(() => {});
calls.finish();
