"""Every sentence of the notice page in its four languages.

Django's catalogues are the site's; a node has none, and needs these few words when nothing else can be reached. A test
compares the languages. `no` is Norwegian bokmål, as in the site's addresses.
"""

from tyst.messages.admission import Why

LANGUAGES = {"en": "English", "sv": "Svenska", "de": "Deutsch", "no": "Norsk"}
"""Code in addresses, and the language's own name."""

TAGS = {"en": "en", "sv": "sv", "de": "de", "no": "nb"}
"""BCP 47 tags for the page's `lang`."""

MULTIHOP = "multihop"
DRAINING = "draining"
OPEN, EXPIRED, SLOTS, UNREACHABLE, CHANGED, OTHER = "open", "expired", "slots", "unreachable", "changed", "other"

NOTICE_OF = {
    Why.NONE: OPEN,
    Why.EXPIRED: EXPIRED,
    Why.SLOTS: SLOTS,
    Why.UNREACHABLE: UNREACHABLE,
    Why.GONE: CHANGED,
    Why.MULTIHOP: MULTIHOP,
    Why.DRAINING: DRAINING,
}
"""Which notice a reason gets; any other gets OTHER."""

SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "languages": "Languages",
        "garden": "The tunnel is up, but for now it leads only to this page and to our site.",
        "kept": "This page is served by the VPN server itself. It sets no cookie and keeps no note that you read it.",
        "open.title": "You are connected through $place",
        "open.what": (
            "Your traffic leaves from this server, and its resolver answers your look-ups. Nothing about it is kept."
        ),
        "open.do": "There is nothing to do. Your account is on our site.",
        "open.link": "Open the site",
        "expired.title": "Your subscription has ended",
        "expired.what": "We let the tunnel up so that this page could tell you.",
        "expired.do": (
            "Sign in to the site and add time. This connection opens by itself within half a minute; you need "
            "not reconnect."
        ),
        "expired.link": "Add time",
        "slots.title": "Four devices are connected already",
        "slots.what": "An account has room for four devices at the same time, and all four are in use right now.",
        "slots.do": (
            "Disconnect one of the others. One that has been silent for two minutes makes room by itself. This "
            "connection then opens within half a minute."
        ),
        "slots.link": "See your devices",
        "unreachable.title": "We can't check your account right now",
        "unreachable.what": (
            "This server has lost touch with the part of Tyst that knows accounts. Open connections go on; new "
            "ones have to wait."
        ),
        "unreachable.do": "Stay connected: this tunnel opens by itself as soon as the answer comes.",
        "unreachable.link": "Open the site",
        "multihop.title": "Your account has no multihop",
        "multihop.what": (
            "This connection comes through another of our servers. That is multihop, an add-on of its own, and "
            "yours has ended or was never bought."
        ),
        "multihop.do": (
            "Add multihop on the site, and this connection opens by itself within half a minute. Or connect to "
            "this server directly, with its own configuration."
        ),
        "multihop.link": "Add multihop",
        "changed.title": "Your account has changed",
        "changed.what": "The account behind this connection was signed out everywhere, or no longer exists.",
        "changed.do": "Sign in to the site and make a new configuration for this device.",
        "changed.link": "Sign in",
        "draining.title": "This server is going into maintenance",
        "draining.what": "We take it out of service for a while, so it lets nobody new through. Your account is fine.",
        "draining.do": (
            "Connect to another server: take its configuration from the site, or switch to one that you have. If you "
            "stay, this connection opens by itself when the work is done."
        ),
        "draining.link": "Choose another server",
        "other.title": "This connection has to wait",
        "other.what": "The server could not open it at this moment.",
        "other.do": "Wait half a minute, then reload this page. If it is still here, disconnect and connect again.",
        "other.link": "Open the site",
    },
    "sv": {
        "languages": "Språk",
        "garden": "Tunneln är uppe, men just nu leder den bara till den här sidan och till vår webbplats.",
        "kept": "Sidan kommer från VPN-servern själv. Den sätter ingen kaka och antecknar inte att du har läst den.",
        "open.title": "Du är ansluten genom $place",
        "open.what": (
            "Din trafik lämnar nätet från den här servern, och dess namnserver svarar på dina uppslag. Ingenting "
            "om den sparas."
        ),
        "open.do": "Du behöver inte göra något. Ditt konto finns på vår webbplats.",
        "open.link": "Öppna webbplatsen",
        "expired.title": "Din prenumeration har gått ut",
        "expired.what": "Vi släppte upp tunneln för att den här sidan skulle kunna säga det.",
        "expired.do": (
            "Logga in på webbplatsen och lägg till tid. Anslutningen öppnas av sig själv inom en halv minut; du "
            "behöver inte ansluta på nytt."
        ),
        "expired.link": "Lägg till tid",
        "slots.title": "Fyra enheter är redan anslutna",
        "slots.what": "Ett konto har plats för fyra enheter samtidigt, och alla fyra används just nu.",
        "slots.do": (
            "Koppla från en av de andra. En som varit tyst i två minuter lämnar plats av sig själv. Anslutningen "
            "öppnas sedan inom en halv minut."
        ),
        "slots.link": "Se dina enheter",
        "unreachable.title": "Vi kan inte kontrollera ditt konto just nu",
        "unreachable.what": (
            "Servern har tappat kontakten med den del av Tyst som känner till konton. Öppna anslutningar "
            "fortsätter; nya får vänta."
        ),
        "unreachable.do": "Förbli ansluten: tunneln öppnas av sig själv så snart svaret kommer.",
        "unreachable.link": "Öppna webbplatsen",
        "multihop.title": "Ditt konto har inte multihop",
        "multihop.what": (
            "Anslutningen kommer genom en annan av våra servrar. Det är multihop, ett eget tillval, och ditt har "
            "gått ut eller köptes aldrig."
        ),
        "multihop.do": (
            "Lägg till multihop på webbplatsen, så öppnas anslutningen av sig själv inom en halv minut. Eller "
            "anslut direkt till den här servern, med dess egen konfiguration."
        ),
        "multihop.link": "Lägg till multihop",
        "changed.title": "Ditt konto har ändrats",
        "changed.what": "Kontot bakom anslutningen har loggats ut överallt eller finns inte längre.",
        "changed.do": "Logga in på webbplatsen och gör en ny konfiguration för den här enheten.",
        "changed.link": "Logga in",
        "draining.title": "Den här servern går in i underhåll",
        "draining.what": "Vi tar den ur drift en stund, så den släpper inte igenom någon ny. Ditt konto är i ordning.",
        "draining.do": (
            "Anslut till en annan server: hämta dess konfiguration på webbplatsen eller byt till en som du har. Om du "
            "stannar kvar öppnas anslutningen av sig själv när arbetet är klart."
        ),
        "draining.link": "Välj en annan server",
        "other.title": "Anslutningen får vänta",
        "other.what": "Servern kunde inte öppna den i det här ögonblicket.",
        "other.do": "Vänta en halv minut och ladda om sidan. Är den kvar, koppla från och anslut igen.",
        "other.link": "Öppna webbplatsen",
    },
    "de": {
        "languages": "Sprachen",
        "garden": "Der Tunnel steht, führt im Moment aber nur zu dieser Seite und zu unserer Website.",
        "kept": (
            "Diese Seite kommt vom VPN-Server selbst. Sie setzt kein Cookie und hält nicht fest, dass Sie sie "
            "gelesen haben."
        ),
        "open.title": "Sie sind über $place verbunden",
        "open.what": (
            "Ihre Daten verlassen das Netz über diesen Server, und seine Namensauflösung beantwortet Ihre "
            "Anfragen. Nichts davon wird aufbewahrt."
        ),
        "open.do": "Es gibt nichts zu tun. Ihr Konto finden Sie auf unserer Website.",
        "open.link": "Website öffnen",
        "expired.title": "Ihr Abonnement ist abgelaufen",
        "expired.what": "Wir haben den Tunnel aufgebaut, damit diese Seite es Ihnen sagen kann.",
        "expired.do": (
            "Melden Sie sich auf der Website an und fügen Sie Zeit hinzu. Die Verbindung öffnet sich innerhalb "
            "einer halben Minute von selbst; Sie müssen sich nicht neu verbinden."
        ),
        "expired.link": "Zeit hinzufügen",
        "slots.title": "Vier Geräte sind bereits verbunden",
        "slots.what": "Ein Konto hat Platz für vier Geräte gleichzeitig, und alle vier sind gerade in Gebrauch.",
        "slots.do": (
            "Trennen Sie eines der anderen. Eines, das zwei Minuten lang still war, macht von selbst Platz. "
            "Danach öffnet sich diese Verbindung innerhalb einer halben Minute."
        ),
        "slots.link": "Geräte ansehen",
        "unreachable.title": "Wir können Ihr Konto gerade nicht prüfen",
        "unreachable.what": (
            "Dieser Server hat den Kontakt zu dem Teil von Tyst verloren, der die Konten kennt. Offene "
            "Verbindungen laufen weiter; neue müssen warten."
        ),
        "unreachable.do": "Bleiben Sie verbunden: Der Tunnel öffnet sich von selbst, sobald die Antwort kommt.",
        "unreachable.link": "Website öffnen",
        "multihop.title": "Ihr Konto hat kein Multihop",
        "multihop.what": (
            "Diese Verbindung kommt über einen anderen unserer Server. Das ist Multihop, eine eigene Option, und "
            "Ihre ist abgelaufen oder wurde nie gekauft."
        ),
        "multihop.do": (
            "Fügen Sie auf der Website Multihop hinzu: Die Verbindung öffnet sich dann innerhalb einer halben "
            "Minute von selbst. Oder verbinden Sie sich direkt mit diesem Server, mit seiner eigenen Konfiguration."
        ),
        "multihop.link": "Multihop hinzufügen",
        "changed.title": "Ihr Konto hat sich geändert",
        "changed.what": "Das Konto hinter dieser Verbindung wurde überall abgemeldet oder besteht nicht mehr.",
        "changed.do": (
            "Melden Sie sich auf der Website an und erstellen Sie eine neue Konfiguration für dieses Gerät."
        ),
        "changed.link": "Anmelden",
        "draining.title": "Dieser Server wird gewartet",
        "draining.what": (
            "Wir nehmen ihn für eine Weile außer Betrieb, deshalb lässt er niemanden neu durch. Mit Ihrem Konto ist "
            "alles in Ordnung."
        ),
        "draining.do": (
            "Verbinden Sie sich mit einem anderen Server: Holen Sie dessen Konfiguration auf der Website oder wechseln "
            "Sie zu einer, die Sie haben. Wenn Sie bleiben, öffnet sich diese Verbindung von selbst, sobald die "
            "Arbeiten beendet sind."
        ),
        "draining.link": "Anderen Server wählen",
        "other.title": "Diese Verbindung muss warten",
        "other.what": "Der Server konnte sie in diesem Augenblick nicht öffnen.",
        "other.do": (
            "Warten Sie eine halbe Minute und laden Sie die Seite neu. Steht sie noch da, trennen Sie die "
            "Verbindung und bauen Sie sie neu auf."
        ),
        "other.link": "Website öffnen",
    },
    "no": {
        "languages": "Språk",
        "garden": "Tunnelen er oppe, men akkurat nå fører den bare til denne siden og til nettstedet vårt.",
        "kept": (
            "Siden kommer fra selve VPN-tjeneren. Den setter ingen informasjonskapsel og noterer ikke at du har "
            "lest den."
        ),
        "open.title": "Du er koblet til gjennom $place",
        "open.what": (
            "Trafikken din går ut fra denne tjeneren, og navnetjeneren her svarer på oppslagene dine. Ingenting "
            "om den blir lagret."
        ),
        "open.do": "Du trenger ikke å gjøre noe. Kontoen din finner du på nettstedet vårt.",
        "open.link": "Åpne nettstedet",
        "expired.title": "Abonnementet ditt har gått ut",
        "expired.what": "Vi slapp tunnelen opp for at denne siden skulle kunne si det.",
        "expired.do": (
            "Logg inn på nettstedet og legg til tid. Forbindelsen åpner seg av seg selv innen et halvt minutt; "
            "du trenger ikke å koble til på nytt."
        ),
        "expired.link": "Legg til tid",
        "slots.title": "Fire enheter er allerede koblet til",
        "slots.what": "En konto har plass til fire enheter samtidig, og alle fire er i bruk akkurat nå.",
        "slots.do": (
            "Koble fra en av de andre. En som har vært stille i to minutter, gir plass av seg selv. Så åpner "
            "denne forbindelsen seg innen et halvt minutt."
        ),
        "slots.link": "Se enhetene dine",
        "unreachable.title": "Vi kan ikke kontrollere kontoen din akkurat nå",
        "unreachable.what": (
            "Tjeneren har mistet kontakten med den delen av Tyst som kjenner kontoene. Åpne forbindelser "
            "fortsetter; nye må vente."
        ),
        "unreachable.do": "Bli værende tilkoblet: tunnelen åpner seg av seg selv så snart svaret kommer.",
        "unreachable.link": "Åpne nettstedet",
        "multihop.title": "Kontoen din har ikke multihop",
        "multihop.what": (
            "Forbindelsen kommer gjennom en annen av tjenerne våre. Det er multihop, et eget tillegg, og ditt har "
            "gått ut eller ble aldri kjøpt."
        ),
        "multihop.do": (
            "Legg til multihop på nettstedet, så åpner forbindelsen seg av seg selv innen et halvt minutt. Eller "
            "koble deg direkte til denne tjeneren, med dens egen konfigurasjon."
        ),
        "multihop.link": "Legg til multihop",
        "changed.title": "Kontoen din er endret",
        "changed.what": "Kontoen bak denne forbindelsen er logget ut overalt, eller finnes ikke lenger.",
        "changed.do": "Logg inn på nettstedet og lag en ny konfigurasjon for denne enheten.",
        "changed.link": "Logg inn",
        "draining.title": "Denne tjeneren går inn i vedlikehold",
        "draining.what": "Vi tar den ut av drift en stund, så den slipper ingen nye gjennom. Kontoen din er i orden.",
        "draining.do": (
            "Koble til en annen tjener: hent konfigurasjonen på nettstedet, eller bytt til en du har. Blir du værende, "
            "åpner forbindelsen seg av seg selv når arbeidet er ferdig."
        ),
        "draining.link": "Velg en annen tjener",
        "other.title": "Forbindelsen må vente",
        "other.what": "Tjeneren kunne ikke åpne den i dette øyeblikket.",
        "other.do": (
            "Vent et halvt minutt og last siden på nytt. Står den der fortsatt, koble fra og koble til igjen."
        ),
        "other.link": "Åpne nettstedet",
    },
}
