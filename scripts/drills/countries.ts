/** A country with its capital and continent in both languages. */
export interface Country {
  readonly en: string;
  readonly zh: string;
  readonly capital: readonly [en: string, zh: string];
  readonly continent: readonly [en: string, zh: string];
}

const ASIA = ["Asia", "亚洲"] as const;
const EUROPE = ["Europe", "欧洲"] as const;
const AFRICA = ["Africa", "非洲"] as const;
const NORTH_AMERICA = ["North America", "北美洲"] as const;
const SOUTH_AMERICA = ["South America", "南美洲"] as const;
const OCEANIA = ["Oceania", "大洋洲"] as const;

export const CONTINENTS = [ASIA, EUROPE, AFRICA, NORTH_AMERICA, SOUTH_AMERICA, OCEANIA];

const list = (continent: Country["continent"], text: string): Country[] =>
  text.split(",").map((entry) => {
    const [en = "", city = "", zh = "", zhCity = ""] = entry.trim().split("=");
    return { en, zh, capital: [city, zhCity], continent };
  });

/** Countries that lie on two continents, such as Russia and Turkey, are left out. */
export const COUNTRIES: readonly Country[] = [
  ...list(
    ASIA,
    `China=Beijing=中国=北京, Japan=Tokyo=日本=东京, South Korea=Seoul=韩国=首尔, India=New Delhi=印度=新德里,
    Thailand=Bangkok=泰国=曼谷, Vietnam=Hanoi=越南=河内, Malaysia=Kuala Lumpur=马来西亚=吉隆坡,
    Mongolia=Ulaanbaatar=蒙古国=乌兰巴托, Nepal=Kathmandu=尼泊尔=加德满都, Pakistan=Islamabad=巴基斯坦=伊斯兰堡,
    Iran=Tehran=伊朗=德黑兰, Iraq=Baghdad=伊拉克=巴格达, Saudi Arabia=Riyadh=沙特阿拉伯=利雅得`,
  ),
  ...list(
    EUROPE,
    `France=Paris=法国=巴黎, Germany=Berlin=德国=柏林, Italy=Rome=意大利=罗马, Spain=Madrid=西班牙=马德里,
    Portugal=Lisbon=葡萄牙=里斯本, Greece=Athens=希腊=雅典, Sweden=Stockholm=瑞典=斯德哥尔摩, Norway=Oslo=挪威=奥斯陆,
    Finland=Helsinki=芬兰=赫尔辛基, Denmark=Copenhagen=丹麦=哥本哈根, Poland=Warsaw=波兰=华沙,
    Austria=Vienna=奥地利=维也纳, Hungary=Budapest=匈牙利=布达佩斯, Ireland=Dublin=爱尔兰=都柏林`,
  ),
  ...list(
    AFRICA,
    `Egypt=Cairo=埃及=开罗, Kenya=Nairobi=肯尼亚=内罗毕, Ethiopia=Addis Ababa=埃塞俄比亚=亚的斯亚贝巴,
    Nigeria=Abuja=尼日利亚=阿布贾, Morocco=Rabat=摩洛哥=拉巴特`,
  ),
  ...list(
    NORTH_AMERICA,
    "Canada=Ottawa=加拿大=渥太华, Mexico=Mexico City=墨西哥=墨西哥城, Cuba=Havana=古巴=哈瓦那",
  ),
  ...list(
    SOUTH_AMERICA,
    `Brazil=Brasília=巴西=巴西利亚, Argentina=Buenos Aires=阿根廷=布宜诺斯艾利斯, Chile=Santiago=智利=圣地亚哥,
    Peru=Lima=秘鲁=利马`,
  ),
  ...list(OCEANIA, "Australia=Canberra=澳大利亚=堪培拉, New Zealand=Wellington=新西兰=惠灵顿"),
];
